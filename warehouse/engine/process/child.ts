/** Entry of the engine process: one message in, one reply out. Ends with its parent. */
import { toError } from '#base/errors.js';
import { EngineHost } from './engine-host.js';
import type { Envelope, Reply } from './messages.js';

const host = new EngineHost();

process.on('message', (message) => {
  const { id, request } = message as Envelope;
  host.answer(id, request).then(
    (value) => send({ id, ok: true, value }),
    (thrown: unknown) => send({ id, ok: false, error: toError(thrown).message }),
  );
});
process.on('disconnect', () => host.leave());
// The terminal sends these to the whole group; the parent decides when the engine ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

function send(reply: Reply): void {
  if (process.connected) process.send?.(reply);
}
