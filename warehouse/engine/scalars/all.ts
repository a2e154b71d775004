/** Every function of ours that DuckDB calls. */
import { ARRAYS } from './arrays.js';
import { FLATTEN } from './flatten.js';
import { FORMATS } from './formats.js';
import { OBJECTS } from './objects.js';
import { PATHS } from './paths.js';
import { REGEX_FUNCTIONS } from './regex-functions.js';
import type { Scalar } from './scalar.js';
import { TEXT_SCALARS } from './texts.js';
import { VARIANTS } from './variants.js';

export const SCALARS: readonly Scalar[] = [
  ...VARIANTS,
  ...PATHS,
  ...OBJECTS,
  ...ARRAYS,
  FLATTEN,
  ...FORMATS,
  ...REGEX_FUNCTIONS,
  ...TEXT_SCALARS,
];
