import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { HttpClock, SentBody } from '../http/types.ts';
import type { Descriptor } from '../oci/types.ts';
import type { BytesFrom } from '../store/contract.ts';
import { isPassing } from './blob-stream.ts';
import { registryError } from './errors.ts';
import type { Place } from './place.ts';
import { trackHash } from './tracked-hash.ts';
import type { RegistryEvent } from './types.ts';
import {
  askUpload,
  beginUpload,
  endUpload,
  mountBlob,
  sendPart,
  type UploadSession,
} from './upload-session.ts';

/** Up to this many bytes are sent with the request that ends the upload: two requests instead of three. */
const MONOLITHIC_BYTES = 4 * 1024 * 1024;
/** Bytes after which a broken connection may be made anew without counting. */
const PROGRESS_BYTES = 1024 * 1024;
/** Broken connections in a row with less than that between them. */
const MAX_FRUITLESS = 5;
/** Uploads of one blob that are begun at most: a registry may forget one, or count its bytes wrongly. */
const MAX_UPLOADS = 6;
/** Milliseconds waited before the first new connection; doubled for each fruitless one, with chance, up to the bound. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
/** Milliseconds that a registry has to take back what was begun. */
const CANCEL_MS = 2000;

export interface UploadParts {
  readonly clock: HttpClock;
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined;
  /** `host/repository@digest`, for messages. */
  readonly name: string;
  /** The bytes cannot be had again: what is cut is lost. */
  readonly once: boolean;
  /** Repositories of the same registry that may have the blob, the likeliest first. */
  readonly sources: readonly string[];
  /** A source may not be read by this user. */
  readonly onRefused: (source: string) => void;
  /** Whether the registry has the blob by now. */
  readonly isThere: () => Promise<boolean>;
}

/**
 * Brings a blob into a repository (distribution-spec 1.1.1, pushing a blob): mounted from a repository that has it; else sent, a small one in one go, a large one as a stream. When the
 * connection breaks, the registry is asked how much it has and the rest is sent; a registry that has forgotten the upload gets it from the start. The bytes are verified as they pass.
 * What was begun and is given up is taken back. The repository that it was mounted from is returned, undefined when it was sent.
 * @throws REGISTRY_REFUSED, REGISTRY_DENIED, REGISTRY_UPLOAD_CUT, REGISTRY_LOCATION, REGISTRY_STORED, REGISTRY_RANGE, BYTES_MISMATCH, and errors of http/
 */
export async function uploadBlob(
  place: Place,
  wanted: Descriptor,
  bytes: BytesFrom,
  parts: UploadParts,
  o: CallOptions,
): Promise<string | undefined> {
  const { name, clock, onEvent, sources, isThere, once } = parts;
  const { digest, size } = wanted;
  const hash = trackHash(wanted);
  let session: UploadSession | undefined;
  for (const from of sources) {
    const begun = await mountBlob(place, wanted, from, name, o);
    if (begun === 'mounted') return from;
    session = begun;
    if (session !== undefined) break;
    parts.onRefused(from);
  }

  const restOf = ({ offset }: UploadSession): SentBody => ({
    size: size - offset,
    open: () => hash.check(bytes(offset), offset),
  });
  const sendAll = async (from: UploadSession): Promise<void> => {
    session = from;
    while (size - session.offset > MONOLITHIC_BYTES) {
      const before = session.offset;
      session = await sendPart(place, session, wanted, restOf(session), name, o);
      if (session.offset === before) throw stuck(place, wanted, before);
    }
    await endUpload(
      place,
      session,
      wanted,
      session.offset < size || size === 0 ? restOf(session) : undefined,
      name,
      o,
    );
  };

  let fruitless = 0;
  let mark = 0;
  const pause = async (why: unknown): Promise<void> => {
    const done = hash.reached();
    fruitless = done - mark >= PROGRESS_BYTES ? 0 : fruitless + 1;
    mark = done;
    if (fruitless > MAX_FRUITLESS) {
      const facts = { digest, host: place.host, done, size, tries: fruitless };
      throw registryError('REGISTRY_UPLOAD_CUT', facts, { cause: why });
    }
    const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** fruitless);
    await clock.sleep(wait * (0.5 + clock.random() / 2), o);
  };

  /** Where to go on; undefined if the blob is there: the answer may have been lost, and not what it answers. */
  const recover = async (broken: UploadSession, outOfStep: boolean): Promise<UploadSession | undefined> => {
    const sentAll = hash.reached() === size;
    if (sentAll && (await isThere())) return undefined;
    const known = outOfStep ? undefined : await askUpload(place, broken, name, o);
    if (known !== undefined && known.offset <= hash.reached()) return known;
    await cancel(place, broken);
    return beginUpload(place, name, o);
  };

  try {
    let next: UploadSession | undefined = session ?? (await beginUpload(place, name, o));
    for (let uploads = 1; next !== undefined; ) {
      try {
        return await sendAll(next).then(() => undefined);
      } catch (error) {
        o.signal?.throwIfAborted();
        const outOfStep = isOutOfStep(error);
        if ((!outOfStep && !isPassing(error)) || (once && hash.reached() > 0)) throw error;
        await pause(error);
        const broken: UploadSession = session ?? next;
        next = await recover(broken, outOfStep);
        if (next?.offset === 0 && ++uploads > MAX_UPLOADS) throw error;
        if (next !== undefined)
          onEvent?.({ kind: 'resumed', digest, offset: next.offset, why: messageOf(error) });
      }
    }
    return undefined;
  } catch (error) {
    if (session !== undefined) await cancel(place, session);
    throw error;
  }
}

/** True for answers of a registry that counts otherwise than was sent, or has forgotten what it was sent. */
function isOutOfStep(error: unknown): boolean {
  if (isDobosError(error, 'REGISTRY_RANGE')) return true;
  if (!isDobosError(error, 'REGISTRY_REFUSED')) return false;
  const { status, codes } = error.facts as { status: number; codes: readonly string[] };
  const known = ['BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_UNKNOWN', 'DIGEST_INVALID', 'RANGE_INVALID'];
  return (
    status === 416 || (status === 404 && codes.length === 0) || codes.some((code) => known.includes(code))
  );
}

function stuck({ host }: Place, { digest, size }: Descriptor, at: number): Error {
  const facts = { digest, host, want: `bytes ${at} to ${size}`, got: `no more than ${at} bytes` };
  return registryError('REGISTRY_RANGE', facts);
}

/** Takes back what was begun, if the registry can; nobody waits long for it (end-14). */
async function cancel(place: Place, { location }: UploadSession): Promise<void> {
  try {
    const signal = AbortSignal.timeout(CANCEL_MS);
    await (await place.askAt(location, { method: 'DELETE', retry: false }, { signal })).discard();
  } catch {
    // Registries remove what is left in a while.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
