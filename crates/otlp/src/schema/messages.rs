//! Every message of the three signals.
//!
//! Invariant: fields stand in ascending order of number, the order in which they are written.
//! Source: the `.proto` files named in the parent module.

use contract::Signal;

use super::Kind::{
    Bool, Bytes, Double, Enum, Fixed32, Fixed64, Id, Int32, Int64, SFixed64, Sint32, Text, Time,
    Uint32, Uint64,
};
use super::Presence::{Implicit, OneOf, Optional, Repeated};
use super::{Field, Kind, Message, Role, index};

/// The export request of a signal.
pub(crate) fn request(signal: Signal) -> &'static Message {
    match signal {
        Signal::Logs => &EXPORT_LOGS,
        Signal::Metrics => &EXPORT_METRICS,
        Signal::Traces => &EXPORT_TRACES,
    }
}

/// A message: name, role, then per field its number, JSON name, kind and presence.
macro_rules! message {
    ($static:ident, $name:literal, $role:ident, [$($number:literal $json:literal $kind:expr, $presence:expr;)*]) => {
        pub(crate) static $static: Message = {
            static FIELDS: &[Field] =
                &[$(Field { number: $number, name: $json, kind: $kind, presence: $presence }),*];
            Message { name: $name, role: Role::$role, fields: FIELDS, index: index(FIELDS) }
        };
    };
}

/// The request, resource group and scope group of one signal.
macro_rules! envelopes {
    ($request:ident $request_name:literal $groups:literal, $resource:ident $resource_name:literal $scopes:literal,
     $scope:ident $scope_name:literal $items:literal $item:ident) => {
        message!($request, $request_name, Envelope, [1 $groups Kind::Nested(&$resource), Repeated;]);
        message!($resource, $resource_name, Envelope, [
            1 "resource" Kind::Nested(&RESOURCE), Optional;
            2 $scopes Kind::Nested(&$scope), Repeated;
            3 "schemaUrl" Text, Implicit;
        ]);
        message!($scope, $scope_name, Envelope, [
            1 "scope" Kind::Nested(&SCOPE), Optional;
            2 $items Kind::Nested(&$item), Repeated;
            3 "schemaUrl" Text, Implicit;
        ]);
    };
}

envelopes!(EXPORT_LOGS "ExportLogsServiceRequest" "resourceLogs", RESOURCE_LOGS "ResourceLogs" "scopeLogs",
    SCOPE_LOGS "ScopeLogs" "logRecords" LOG_RECORD);
envelopes!(EXPORT_METRICS "ExportMetricsServiceRequest" "resourceMetrics",
    RESOURCE_METRICS "ResourceMetrics" "scopeMetrics", SCOPE_METRICS "ScopeMetrics" "metrics" METRIC);
envelopes!(EXPORT_TRACES "ExportTraceServiceRequest" "resourceSpans", RESOURCE_SPANS "ResourceSpans" "scopeSpans",
    SCOPE_SPANS "ScopeSpans" "spans" SPAN);

message!(RESOURCE, "Resource", Shared, [
    1 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    2 "droppedAttributesCount" Uint32, Implicit;
    3 "entityRefs" Kind::Nested(&ENTITY_REF), Repeated;
]);
message!(ENTITY_REF, "EntityRef", Part, [
    1 "schemaUrl" Text, Implicit;
    2 "type" Text, Implicit;
    3 "idKeys" Text, Repeated;
    4 "descriptionKeys" Text, Repeated;
]);
message!(SCOPE, "InstrumentationScope", Shared, [
    1 "name" Text, Implicit;
    2 "version" Text, Implicit;
    3 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    4 "droppedAttributesCount" Uint32, Implicit;
]);
message!(KEY_VALUE, "KeyValue", Part, [
    1 "key" Text, Implicit;
    2 "value" Kind::Nested(&ANY_VALUE), Optional;
    3 "keyStrindex" Int32, Implicit;
]);
message!(ANY_VALUE, "AnyValue", Part, [
    1 "stringValue" Text, OneOf;
    2 "boolValue" Bool, OneOf;
    3 "intValue" Int64, OneOf;
    4 "doubleValue" Double, OneOf;
    5 "arrayValue" Kind::Nested(&ARRAY_VALUE), OneOf;
    6 "kvlistValue" Kind::Nested(&KEY_VALUE_LIST), OneOf;
    7 "bytesValue" Bytes, OneOf;
    8 "stringValueStrindex" Int32, OneOf;
]);
message!(ARRAY_VALUE, "ArrayValue", Part, [1 "values" Kind::Nested(&ANY_VALUE), Repeated;]);
message!(KEY_VALUE_LIST, "KeyValueList", Part, [1 "values" Kind::Nested(&KEY_VALUE), Repeated;]);

message!(LOG_RECORD, "LogRecord", Item, [
    1 "timeUnixNano" Time, Implicit;
    2 "severityNumber" Enum(SEVERITY), Implicit;
    3 "severityText" Text, Implicit;
    5 "body" Kind::Nested(&ANY_VALUE), Optional;
    6 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    7 "droppedAttributesCount" Uint32, Implicit;
    8 "flags" Fixed32, Implicit;
    9 "traceId" Id(16), Implicit;
    10 "spanId" Id(8), Implicit;
    11 "observedTimeUnixNano" Time, Implicit;
    12 "eventName" Text, Implicit;
]);

message!(METRIC, "Metric", Metric, [
    1 "name" Text, Implicit;
    2 "description" Text, Implicit;
    3 "unit" Text, Implicit;
    5 "gauge" Kind::Nested(&GAUGE), OneOf;
    7 "sum" Kind::Nested(&SUM), OneOf;
    9 "histogram" Kind::Nested(&HISTOGRAM), OneOf;
    10 "exponentialHistogram" Kind::Nested(&EXPONENTIAL_HISTOGRAM), OneOf;
    11 "summary" Kind::Nested(&SUMMARY), OneOf;
    12 "metadata" Kind::Nested(&KEY_VALUE), Repeated;
]);
message!(GAUGE, "Gauge", Part, [1 "dataPoints" Kind::Nested(&NUMBER_POINT), Repeated;]);
message!(SUM, "Sum", Part, [
    1 "dataPoints" Kind::Nested(&NUMBER_POINT), Repeated;
    2 "aggregationTemporality" Enum(TEMPORALITY), Implicit;
    3 "isMonotonic" Bool, Implicit;
]);
message!(HISTOGRAM, "Histogram", Part, [
    1 "dataPoints" Kind::Nested(&HISTOGRAM_POINT), Repeated;
    2 "aggregationTemporality" Enum(TEMPORALITY), Implicit;
]);
message!(EXPONENTIAL_HISTOGRAM, "ExponentialHistogram", Part, [
    1 "dataPoints" Kind::Nested(&EXPONENTIAL_POINT), Repeated;
    2 "aggregationTemporality" Enum(TEMPORALITY), Implicit;
]);
message!(SUMMARY, "Summary", Part, [1 "dataPoints" Kind::Nested(&SUMMARY_POINT), Repeated;]);
message!(NUMBER_POINT, "NumberDataPoint", Item, [
    2 "startTimeUnixNano" Time, Implicit;
    3 "timeUnixNano" Time, Implicit;
    4 "asDouble" Double, OneOf;
    5 "exemplars" Kind::Nested(&EXEMPLAR), Repeated;
    6 "asInt" SFixed64(4), OneOf;
    7 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    8 "flags" Uint32, Implicit;
]);
message!(HISTOGRAM_POINT, "HistogramDataPoint", Item, [
    2 "startTimeUnixNano" Time, Implicit;
    3 "timeUnixNano" Time, Implicit;
    4 "count" Fixed64, Implicit;
    5 "sum" Double, Optional;
    6 "bucketCounts" Fixed64, Repeated;
    7 "explicitBounds" Double, Repeated;
    8 "exemplars" Kind::Nested(&EXEMPLAR), Repeated;
    9 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    10 "flags" Uint32, Implicit;
    11 "min" Double, Optional;
    12 "max" Double, Optional;
]);
message!(EXPONENTIAL_POINT, "ExponentialHistogramDataPoint", Item, [
    1 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    2 "startTimeUnixNano" Time, Implicit;
    3 "timeUnixNano" Time, Implicit;
    4 "count" Fixed64, Implicit;
    5 "sum" Double, Optional;
    6 "scale" Sint32, Implicit;
    7 "zeroCount" Fixed64, Implicit;
    8 "positive" Kind::Nested(&BUCKETS), Optional;
    9 "negative" Kind::Nested(&BUCKETS), Optional;
    10 "flags" Uint32, Implicit;
    11 "exemplars" Kind::Nested(&EXEMPLAR), Repeated;
    12 "min" Double, Optional;
    13 "max" Double, Optional;
    14 "zeroThreshold" Double, Implicit;
]);
message!(BUCKETS, "Buckets", Part, [
    1 "offset" Sint32, Implicit;
    2 "bucketCounts" Uint64, Repeated;
]);
message!(SUMMARY_POINT, "SummaryDataPoint", Item, [
    2 "startTimeUnixNano" Time, Implicit;
    3 "timeUnixNano" Time, Implicit;
    4 "count" Fixed64, Implicit;
    5 "sum" Double, Implicit;
    6 "quantileValues" Kind::Nested(&VALUE_AT_QUANTILE), Repeated;
    7 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    8 "flags" Uint32, Implicit;
]);
message!(VALUE_AT_QUANTILE, "ValueAtQuantile", Part, [
    1 "quantile" Double, Implicit;
    2 "value" Double, Implicit;
]);
message!(EXEMPLAR, "Exemplar", Part, [
    2 "timeUnixNano" Time, Implicit;
    3 "asDouble" Double, OneOf;
    4 "spanId" Id(8), Implicit;
    5 "traceId" Id(16), Implicit;
    6 "asInt" SFixed64(3), OneOf;
    7 "filteredAttributes" Kind::Nested(&KEY_VALUE), Repeated;
]);

message!(SPAN, "Span", Item, [
    1 "traceId" Id(16), Implicit;
    2 "spanId" Id(8), Implicit;
    3 "traceState" Text, Implicit;
    4 "parentSpanId" Id(8), Implicit;
    5 "name" Text, Implicit;
    6 "kind" Enum(SPAN_KIND), Implicit;
    7 "startTimeUnixNano" Time, Implicit;
    8 "endTimeUnixNano" Time, Implicit;
    9 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    10 "droppedAttributesCount" Uint32, Implicit;
    11 "events" Kind::Nested(&EVENT), Repeated;
    12 "droppedEventsCount" Uint32, Implicit;
    13 "links" Kind::Nested(&LINK), Repeated;
    14 "droppedLinksCount" Uint32, Implicit;
    15 "status" Kind::Nested(&STATUS), Optional;
    16 "flags" Fixed32, Implicit;
]);
message!(EVENT, "Event", Part, [
    1 "timeUnixNano" Time, Implicit;
    2 "name" Text, Implicit;
    3 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    4 "droppedAttributesCount" Uint32, Implicit;
]);
message!(LINK, "Link", Part, [
    1 "traceId" Id(16), Implicit;
    2 "spanId" Id(8), Implicit;
    3 "traceState" Text, Implicit;
    4 "attributes" Kind::Nested(&KEY_VALUE), Repeated;
    5 "droppedAttributesCount" Uint32, Implicit;
    6 "flags" Fixed32, Implicit;
]);
message!(STATUS, "Status", Part, [
    2 "message" Text, Implicit;
    3 "code" Enum(STATUS_CODE), Implicit;
]);

static TEMPORALITY: &[&str] = &[
    "AGGREGATION_TEMPORALITY_UNSPECIFIED",
    "AGGREGATION_TEMPORALITY_DELTA",
    "AGGREGATION_TEMPORALITY_CUMULATIVE",
];
static SPAN_KIND: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
static STATUS_CODE: &[&str] = &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
static SEVERITY: &[&str] = &[
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];
