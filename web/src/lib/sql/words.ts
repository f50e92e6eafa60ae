// What the editor knows of SQL: one SELECT, as the server takes it. Words of statements that are refused are no words here.

const list = (words: string) => words.trim().split(/\s+/);

export const KEYWORDS = list(`
all and any array as asc at between by case cast cross cube current current_date current_time current_timestamp date
desc distinct else end escape except exists extract false filter first following for from full grouping group groups
having ilike in inner intersect interval is join lateral last left like limit natural not null nulls offset on or order
outer over partition preceding qualify range recursive right rollup row rows select sets similar table then time
timestamp to trim true try_cast unbounded union unnest using values when where window with within zone
bigint boolean double float int integer real smallint text timestamptz tinyint varchar decimal`);

export const FUNCTIONS = list(`
abs approx_distinct approx_percentile_cont arrow_cast attribute avg ceil coalesce concat count date_bin date_part
date_trunc first_value floor greatest lag last_value lead least length lower max median min now nullif rank regexp_like
replace round row_number split_part starts_with stddev strpos substr sum to_char to_timestamp trunc upper`);
