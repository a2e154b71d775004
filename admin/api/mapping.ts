/** `POST /control/mapping-preview`: what another mapping would have made of the last 30 days. */
import { z } from 'zod';
import type { ControlDocument } from '#policies/control/document.js';
import { parseControlDocument } from '#policies/control/parse.js';
import { badField, ProblemError, problemSchema } from '../problems.js';
import { type MappingPreview, previewMapping } from '../stores/mapping-preview.js';
import { type ApiApp, type ApiContext, controlOf } from './api.js';

/** As for a whole document. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

const previewBody = z.strictObject({
  document: z.record(z.string(), z.unknown()).optional().describe('A whole control document'),
  mapping: z
    .array(z.record(z.string(), z.unknown()))
    .optional()
    .describe('The mapping alone; all else as in force'),
});

const totals = {
  statements: z.int(),
  credits: z.string(),
  amounts: z.array(z.object({ currency: z.string(), amount: z.string() })),
};
const destination = z.object({
  kind: z.enum(['known', 'unknown', 'suspended']).describe('unknown and suspended are refused'),
  team: z.string().nullable(),
});
const previewReply = z.object({
  controlVersion: z.int(),
  since: z.string(),
  until: z.string(),
  moves: z.array(
    z.object({
      from: destination,
      to: destination,
      ...totals,
      principals: z.array(
        z.object({ from: z.string().nullable(), to: z.string().nullable(), ...totals }),
      ),
      ticketIds: z.array(z.string()),
    }),
  ),
  staying: z.object(totals),
  undecided: z.object(totals).describe('Depends on the network of the caller, which is not kept'),
  untouchedStatements: z.int().describe('By claims and terminated sign-ins'),
  uncomparedStatements: z.int().describe('Of callers beyond the cap'),
  isCut: z.boolean(),
});

export function addMappingRoutes(app: ApiApp, context: ApiContext): void {
  app.post(
    '/control/mapping-preview',
    {
      bodyLimit: BODY_BYTES_MAX,
      config: { access: ['platform'] },
      schema: {
        summary:
          'Statements of the last 30 days that another mapping would charge elsewhere; writes nothing',
        body: previewBody,
        response: { 200: previewReply, 400: problemSchema },
      },
    },
    async (request) => {
      const { version, document } = await controlOf(context.db);
      const next = nextDocument(document, request.body);
      const preview = await previewMapping(context.db, document, next, context.clock.now());
      return toReply(version, preview);
    },
  );
}

function nextDocument(
  current: ControlDocument,
  { document, mapping }: z.infer<typeof previewBody>,
): ControlDocument {
  if ((document === undefined) === (mapping === undefined))
    throw badField(
      document === undefined ? 'document' : 'mapping',
      'must be the only one of document and mapping',
      'send exactly one of the two',
    );
  const parsed = parseControlDocument(document ?? { ...current, mapping });
  if (parsed.ok) return parsed.document;
  throw new ProblemError({
    status: 400,
    title: 'Bad request',
    detail: 'The control document would not be valid; nothing was compared.',
    errors: parsed.problems.map(({ path, rule, wayOut }) => ({ field: path, rule, wayOut })),
  });
}

/** The same as plain mutable values, as the schema types them. */
function toReply(controlVersion: number, preview: MappingPreview): z.infer<typeof previewReply> {
  return {
    controlVersion,
    ...structuredClone(preview as Omit<z.infer<typeof previewReply>, 'controlVersion'>),
  };
}
