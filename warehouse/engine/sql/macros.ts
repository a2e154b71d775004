/**
 * Functions whose meaning differs between Snowflake and DuckDB, under private names that the rewriting uses. Only
 * macros over one value have typed overloads: DuckDB does not see the types of aggregates when it chooses among them.
 */
const NUMBER_LIKE = `typeof(a) IN ('DOUBLE', 'FLOAT') OR typeof(b) IN ('DOUBLE', 'FLOAT')`;

/** Scale of a quotient of numbers: max(s1, min(s1 + 6, 12)). */
const QUOTIENT_SCALE = `CASE WHEN starts_with(typeof(a), 'DECIMAL')
    THEN greatest(regexp_extract(typeof(a), ',([0-9]+)', 1)::INTEGER, least(regexp_extract(typeof(a), ',([0-9]+)', 1)::INTEGER + 6, 12))
    ELSE 6 END`;

/** CREATE MACRO statements, run once when the database is made. */
export const MACROS: readonly string[] = [
  `CREATE MACRO "/"(a, b) AS CASE WHEN b = 0 THEN error('TG100051')
     WHEN ${NUMBER_LIKE} THEN system.main."/"(a, b) ELSE round(system.main."/"(a, b), ${QUOTIENT_SCALE}) END`,
  `CREATE MACRO "%"(a, b) AS CASE WHEN b = 0 THEN error('TG100051') ELSE system.main."%"(a, b) END`,
];
