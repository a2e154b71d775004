/** First words of statements that only stages have here, with the types of their answers. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';

export const STAGE_VERBS: Readonly<Record<string, number>> = {
  COPY: STATEMENT_TYPES.copy,
  PUT: STATEMENT_TYPES.put,
  GET: STATEMENT_TYPES.get,
  LIST: STATEMENT_TYPES.list,
  LS: STATEMENT_TYPES.list,
  REMOVE: STATEMENT_TYPES.remove,
  RM: STATEMENT_TYPES.remove,
  SHOW: STATEMENT_TYPES.show,
  DESC: STATEMENT_TYPES.describe,
  DESCRIBE: STATEMENT_TYPES.describe,
};
