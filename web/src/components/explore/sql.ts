// What the editor knows of SQL: one SELECT, as the server takes it. Words of statements that are refused are no words
// here; and dialects of other databases would be half of the script that this page loads.

import { SQLDialect } from '@codemirror/lang-sql';

const KEYWORDS = `
all and any array as asc at between by case cast cross cube current current_date current_time current_timestamp date
desc distinct else end escape except exists extract false filter first following for from full grouping group groups
having ilike in inner intersect interval is join lateral last left like limit natural not null nulls offset on or order
outer over partition preceding qualify range recursive right rollup row rows select sets similar table then time
timestamp to trim true try_cast unbounded union unnest using values when where window with within zone`;

const TYPES = 'bigint boolean double float int integer real smallint text timestamptz tinyint varchar decimal';

const FUNCTIONS = `
abs approx_distinct approx_percentile_cont arrow_cast attribute avg ceil coalesce concat count date_bin date_part
date_trunc first_value floor greatest lag last_value lead least length lower max median min now nullif rank regexp_like
replace round row_number split_part starts_with stddev strpos substr sum to_char to_timestamp trunc upper`;

export const dialect = SQLDialect.define({
  keywords: KEYWORDS.trim().replaceAll('\n', ' '),
  types: TYPES,
  builtin: FUNCTIONS.trim().replaceAll('\n', ' '),
  operatorChars: '+-*/<>=~!@%^&|',
});
