//! Events: their names, their attributes, and how each attribute travels.
//!
//! Invariant: one definition of an event says everything about it: the struct that a program fills,
//! the order and wire types of its attributes, the gates before them, and what `key=value` text may
//! say. The definitions are in `event/`, one file for each part of an agent's life.
//!
//! Source: recorded requests of client 2.1.329; what no recording shows is from the vendor's
//! documentation, and `docs/emitter.md` says which.

pub(crate) mod field;
mod model;
mod plugin;
mod prompt;
mod session;
mod text;
mod tool;

use contract::Attribute;

use crate::content::Content;
use crate::meter::Measure;

pub use field::{FreeValue, Name};
pub use model::{
    ApiError, ApiRefusal, ApiRequest, ApiRequestBody, ApiResponseBody, ApiRetriesExhausted,
};
pub use plugin::{
    HookExecutionComplete, HookExecutionStart, HookPluginMetrics, HookRegistered, PluginInstalled,
    PluginLoaded, SkillActivated,
};
pub use prompt::{AssistantResponse, AtMention, UserPrompt};
pub use session::{
    Auth, Compaction, FeedbackSurvey, InternalError, ManagedSettingsResolved, McpServerConnection,
    PermissionModeChanged, RetentionSweep, SubagentCompleted,
};
pub(crate) use text::AnyEvent;
pub use text::{EventKind, Key, Malformed, Parsed, kinds};
pub use tool::{ToolDecision, ToolResult};

/// One kind of event. All of them are in this crate: what an event may say is part of its contract.
pub trait Event: sealed::Sealed + Sized {
    /// The bare name: `api_request`.
    const NAME: &'static str;

    /// The event's own attributes, in wire order, within what `content` allows; `None` when the whole
    /// event is behind a gate that is shut.
    fn attributes(self, content: &Content) -> Option<Vec<Attribute<'static>>>;

    /// What the event adds to the metrics.
    fn measures(&self, _content: &Content) -> Vec<Measure> {
        Vec::new()
    }
}

pub(crate) mod sealed {
    use crate::bodies::{BodyFile, Place};

    /// Keeps the set of events closed.
    pub trait Sealed {
        /// The file that the event's body goes into, where bodies go into files and the event has one;
        /// the event names it from then on.
        fn file(&mut self, _place: &Place<'_>) -> Option<BodyFile> {
            None
        }
    }
}

/// Defines an event: its struct, its attributes in wire order, and its reading from text.
///
/// `complete` fills what follows from other attributes; `behind` names the gate before the whole
/// event; `files` gives the file for the event's body; `measures` names what it adds to the metrics.
macro_rules! event {
    (
        $(#[doc = $doc:literal])+
        $name:ident $event:literal
        $(complete($complete:path))?
        $(behind($gate:ident))?
        $(files($files:path))?
        $(measures($measures:path))?
        { $( $(#[doc = $help:literal])+ $field:ident : $type:ty = $wire:ident $key:literal, )* }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[doc = $help])+ pub $field: $type, )*
        }

        impl $crate::event::sealed::Sealed for $name {
            $( fn file(
                &mut self,
                place: &$crate::bodies::Place<'_>,
            ) -> Option<$crate::bodies::BodyFile> {
                Some($files(self, place))
            } )?
        }

        impl $crate::event::Event for $name {
            const NAME: &'static str = $event;

            fn attributes(
                self,
                content: &$crate::content::Content,
            ) -> Option<Vec<contract::Attribute<'static>>> {
                $( if !content.$gate { return None; } )?
                #[allow(unused_mut)]
                let mut this = self;
                $( $complete(&mut this, content); )?
                let mut own = $crate::event::field::Own::new(content);
                $( <$type as $crate::event::field::Field<$crate::event::field::$wire>>::write(
                    this.$field, $key, &mut own,
                ); )*
                Some(own.attributes)
            }

            $( fn measures(
                &self,
                content: &$crate::content::Content,
            ) -> Vec<$crate::meter::Measure> {
                $measures(self, content)
            } )?
        }

        impl $crate::event::text::FromText for $name {
            const HELP: &'static str = concat!($($doc),+);
            const KEYS: &'static [$crate::event::text::Key] = &[
                $( $crate::event::text::Key {
                    name: $key,
                    kind: <$crate::event::field::$wire as $crate::event::field::Wire>::KIND,
                    gate: <$crate::event::field::$wire as $crate::event::field::Wire>::GATE,
                    is_required: <$type as $crate::event::field::Field<
                        $crate::event::field::$wire,
                    >>::IS_REQUIRED,
                    help: concat!($($help),+),
                }, )*
            ];

            fn from_text(
                pairs: &mut $crate::event::text::Pairs,
            ) -> $name {
                $name {
                    $( $field: pairs.take::<$crate::event::field::$wire, $type>($key), )*
                }
            }
        }
    };
}
pub(crate) use event;
