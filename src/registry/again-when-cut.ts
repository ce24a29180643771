import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';

/** How often a small document is asked for, when its answer breaks off each time. */
const MAX_TRIES = 4;

/**
 * What `ask` gives; asked again when the body of its answer breaks off or stalls. For documents that are read whole: http/ makes a request again until it is
 * answered, and knows nothing of what is read of the answer. There is no wait: making the new connection has waits of its own.
 * @throws HTTP_CUT, HTTP_TIMEOUT when no try brings the whole; and as `ask`
 */
export async function againWhenCut<T>(ask: () => Promise<T>, o: CallOptions = {}): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      o.signal?.throwIfAborted();
      const cut = isDobosError(error, 'HTTP_CUT') || (isDobosError(error, 'HTTP_TIMEOUT') && isBody(error));
      if (!cut || tries >= MAX_TRIES) throw error;
    }
  }
}

/** True for a time-out of a body; the others have had their further tries. */
const isBody = ({ facts }: { readonly facts: Readonly<Record<string, unknown>> }): boolean =>
  String(facts.doing).includes('body');
