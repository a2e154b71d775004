/**
 * Session parameters that change what SQL means or what its texts look like, and which of their values the engine
 * honours. A session may set no other value: a parameter that is accepted and has no effect would make results
 * silently wrong. Whoever teaches the engine another value widens its line here, and nothing else.
 */

export type ParameterScalar = string | number | boolean;

export interface HonouredValues {
  honours(value: ParameterScalar): boolean;
  /** The values in words, for the refusal of others. */
  readonly words: string;
}

const only = (...values: readonly ParameterScalar[]): HonouredValues => ({
  honours: (value) => values.includes(value),
  words: values.map((value) => (value === '' ? "''" : String(value))).join(' or '),
});

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

// Empty stands for TIMESTAMP_OUTPUT_FORMAT, which has no other value, so naming it says the same.
const ZONED_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM';

/** Name → values that the engine honours. Every name here travels with a statement ({@link EngineRequest.parameters}). */
export const ENGINE_HONOURED: Readonly<Record<string, HonouredValues>> = {
  TIMEZONE: {
    honours: (value) => isZone(String(value)),
    words: 'a zone of the IANA database',
  },
  DATE_INPUT_FORMAT: only('AUTO'),
  TIME_INPUT_FORMAT: only('AUTO'),
  TIMESTAMP_INPUT_FORMAT: only('AUTO'),
  DATE_OUTPUT_FORMAT: only('YYYY-MM-DD'),
  TIME_OUTPUT_FORMAT: only('HH24:MI:SS'),
  TIMESTAMP_OUTPUT_FORMAT: only(ZONED_FORMAT),
  TIMESTAMP_NTZ_OUTPUT_FORMAT: only('YYYY-MM-DD HH24:MI:SS.FF3'),
  TIMESTAMP_LTZ_OUTPUT_FORMAT: only('', ZONED_FORMAT),
  TIMESTAMP_TZ_OUTPUT_FORMAT: only('', ZONED_FORMAT),
  TIMESTAMP_TYPE_MAPPING: only('TIMESTAMP_NTZ'),
  TIMESTAMP_DAY_IS_ALWAYS_24H: only(false),
  TWO_DIGIT_CENTURY_START: only(1970),
  BINARY_INPUT_FORMAT: only('HEX'),
  BINARY_OUTPUT_FORMAT: only('HEX'),
  WEEK_START: only(0),
  WEEK_OF_YEAR_POLICY: only(0),
  QUOTED_IDENTIFIERS_IGNORE_CASE: only(false),
  DEFAULT_DDL_COLLATION: only(''),
  DEFAULT_NULL_ORDERING: only('LAST'),
  ERROR_ON_NONDETERMINISTIC_MERGE: only(true),
  ERROR_ON_NONDETERMINISTIC_UPDATE: only(false),
  JSON_INDENT: only(2),
  STRICT_JSON_OUTPUT: only(false),
  TRANSACTION_ABORT_ON_ERROR: only(false),
  SEARCH_PATH: only('$current, $public'),
};
