import { z } from 'zod';
import { controlDocumentSchema } from './schema.js';

/**
 * The JSON Schema of the control document, by which editors complete and check it while it is written. It says less
 * than `plan`: what refers to what is not in it. Draft 7, which YAML editors know best.
 */
export function controlJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(controlDocumentSchema, { target: 'draft-7', io: 'input' }) };
}
