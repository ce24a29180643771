/**
 * A COPY before its key is known. The key needs the digest of every file; where such a COPY has never been made over these files (a note per
 * place says so) the cache cannot have it, and packing it at once reads every byte once instead of twice.
 */
import type { CallOptions } from '../base/options.ts';
import { digestHex } from '../oci/digest.ts';
import type { Notes } from '../store/contract.ts';
import { unknownFiles } from './context/open-context.ts';
import type { Op } from './graph.ts';
import type { CopySelection } from './select-copy.ts';
import type { StepKey } from './step-key.ts';

/** Less than this is hashed sooner than it is worth thinking about. */
const MANY_FILES = 500;
const MANY_BYTES = 8 * 1024 * 1024;
const NOTE_KIND = 'copied';

/** True if much of the selection is unread and no COPY was made at this place. `place`: the key of the step as if its files were none. What may be unpacked is always hashed before. */
export async function isFirstCopy(
  op: Op,
  copy: CopySelection,
  place: StepKey,
  notes: Notes,
  useCache: boolean,
): Promise<boolean> {
  if (copy.kind !== 'context' || (op.kind === 'copy' && op.unpack !== undefined)) return false;
  const unknown = unknownFiles(copy.selection);
  const bytes = unknown.reduce((sum, { node }) => sum + node.size, 0);
  if (unknown.length < MANY_FILES && bytes < MANY_BYTES) return false;
  return !useCache || (await notes.get(NOTE_KIND, noteKey(place))) === undefined;
}

/** Notes that a COPY was made at this place. */
export async function noteCopy(place: StepKey, notes: Notes): Promise<void> {
  await notes.put(NOTE_KIND, noteKey(place), Buffer.alloc(0));
}

function noteKey({ layer, files }: StepKey): string {
  return digestHex(layer ?? files);
}

/** The selection with all digests. */
export async function hashCopy(copy: CopySelection, o: CallOptions): Promise<CopySelection> {
  if (copy.kind !== 'context') return copy;
  return { ...copy, selection: await copy.context.hash(copy.selection, o) };
}
