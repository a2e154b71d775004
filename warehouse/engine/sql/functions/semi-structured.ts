/** Functions of VARIANT, OBJECT and ARRAY, which are JSON in DuckDB. */
import { namesOf, type FunctionFamily } from './family.js';

export const SEMI_STRUCTURED: FunctionFamily = {
  same: namesOf(`GET GET_PATH OBJECT_INSERT ARRAY_CAT ARRAY_APPEND ARRAY_PREPEND ARRAY_TO_STRING`),
  renamed: {
    TO_VARIANT: 'TG_TO_VARIANT',
    TO_ARRAY: 'TG_TO_ARRAY',
    TO_OBJECT: 'TG_TO_VARIANT',
    TO_JSON: 'TG_JSON_TEXT',
    PARSE_JSON: 'TG_PARSE_JSON',
    TRY_PARSE_JSON: 'TG_TRY_PARSE_JSON',
    ARRAY_SIZE: 'TG_ARRAY_SIZE',
    ARRAY_CONTAINS: 'TG_ARRAY_CONTAINS',
    OBJECT_KEYS: 'TG_OBJECT_KEYS',
    SPLIT: 'TG_SPLIT',
    SYSTEM$TYPEOF: 'TG_TYPEOF',
    TYPEOF: 'TG_TYPEOF',
    ARRAY_CONSTRUCT: 'JSON_ARRAY',
  },
  rewritten: {
    OBJECT_CONSTRUCT: (call) => {
      call.head = 'TG_WITHOUT_NULLS(JSON_OBJECT';
      call.closeWith('))');
    },
  },
  macros: [
    `CREATE MACRO tg_to_variant(x) AS to_json(x)`,
    `CREATE MACRO tg_to_array(x) AS CASE WHEN x IS NULL THEN NULL WHEN json_type(to_json(x)) = 'ARRAY' THEN to_json(x) ELSE json_array(x) END`,
    `CREATE MACRO tg_json_text(x) AS to_json(x)::VARCHAR`,
    `CREATE MACRO tg_parse_json(x) AS CASE WHEN x IS NULL THEN NULL ELSE json(x::VARCHAR) END`,
    `CREATE MACRO tg_try_parse_json(x) AS TRY_CAST(x::VARCHAR AS JSON)`,
    `CREATE MACRO tg_without_nulls(x) AS json_merge_patch('{}'::JSON, x)`,
    `CREATE MACRO tg_array_size(x) AS CASE WHEN json_type(to_json(x)) = 'ARRAY' THEN json_array_length(to_json(x))::BIGINT END`,
    `CREATE MACRO tg_array_contains(v, x) AS json_contains(to_json(x), to_json(v))`,
    `CREATE MACRO tg_object_keys(x) AS to_json(json_keys(x))`,
    `CREATE MACRO tg_split(x, s) AS to_json(string_split(x, s))`,
    `CREATE MACRO tg_typeof(x) AS CASE json_type(to_json(x)) WHEN 'BIGINT' THEN 'INTEGER' WHEN 'UBIGINT' THEN 'INTEGER' WHEN 'NULL' THEN 'NULL_VALUE' ELSE json_type(to_json(x)) END`,
    `CREATE MACRO tg_flatten(j) AS TABLE
       SELECT 1::BIGINT AS SEQ, CASE WHEN json_type(j) = 'OBJECT' THEN key END AS KEY,
              CASE WHEN json_type(j) = 'ARRAY' THEN concat('[', key, ']') ELSE key END AS PATH,
              CASE WHEN json_type(j) = 'ARRAY' THEN key::BIGINT END AS INDEX, value AS VALUE, j AS THIS
       FROM json_each(j)`,
  ],
};
