import { closeSync, openSync, readSync } from 'node:fs';
import type { FileRegion } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import { DETECT_BYTES, detectCompression } from '../compress/detect.ts';
import { OCI_LAYER_TAR } from '../oci/media-types.ts';
import type { Descriptor } from '../oci/types.ts';
import type { LocalStore, StagedFile } from '../store/contract.ts';
import { copyInPool } from './copy-in-pool.ts';
import { algorithmOf, type CopyTask } from './copy-region.ts';
import { imageError } from './errors.ts';
import type { LoadOptions, PlannedBlob } from './load-plan.ts';
import type { OpenArchive } from './open-archive.ts';
import { findUnpacked, keepUnpacked } from './plain-size.ts';

export interface ReadyBlob {
  /** What the store has or will have. */
  readonly blob: Descriptor;
  /** To be committed; undefined if the store has the blob already. */
  readonly file: StagedFile | undefined;
}

/** The archive's blob copied to a staged file and checked, or found in the store. The file is put on the list at once, so that the caller can take it away. @throws ARCHIVE_LAYER_CONTENT, ARCHIVE_MEMBER_CORRUPT */
export async function stageBlob(
  store: LocalStore,
  archive: OpenArchive,
  planned: PlannedBlob,
  staged: StagedFile[],
  o: LoadOptions,
): Promise<ReadyBlob> {
  const { region, member, diffId } = planned;
  const known = planned.blob ?? plainBlob(planned);
  if (known !== undefined && (await store.has(known, o)) && (await isKnown(store, known, diffId))) {
    o.onEvent?.({ kind: 'layer', member, size: region.size, present: true });
    return { blob: known, file: undefined };
  }
  const file = await store.stage();
  staged.push(file);
  const task: CopyTask = {
    from: region,
    to: { path: file.path, offset: 0 },
    write: planned.blob === undefined ? 'plain' : 'stored',
    wantDiffId: diffId !== undefined,
    digestBy: algorithmOf(planned.blob?.digest ?? diffId!),
    diffIdBy: algorithmOf(diffId ?? planned.blob!.digest),
  };
  const copied = await copyInPool(task, o).catch((error: unknown) => {
    if (!isDobosError(error) || !error.code.startsWith('COMPRESS_')) throw error;
    const facts = { path: archive.shown, member, why: error.message };
    throw imageError('ARCHIVE_MEMBER_CORRUPT', facts, { cause: error, hint: error.hint });
  });
  const { digest, size } = copied;
  if (planned.blob !== undefined && (planned.blob.digest !== digest || planned.blob.size !== size)) {
    throw imageError('ARCHIVE_MEMBER_CORRUPT', {
      path: archive.shown,
      member,
      why: `it reads as ${digest}, ${size} bytes`,
    });
  }
  if (diffId !== undefined && copied.diffId !== diffId) {
    throw imageError('ARCHIVE_LAYER_CONTENT', {
      path: archive.shown,
      member,
      got: copied.diffId ?? 'none',
      want: diffId,
    });
  }
  if (diffId !== undefined && digest !== diffId)
    await keepUnpacked(store, digest, { diffId, size: copied.plainSize! });
  o.onEvent?.({ kind: 'layer', member, size: region.size, present: false });
  return { blob: planned.blob ?? { mediaType: OCI_LAYER_TAR, digest, size }, file };
}

/** What an uncompressed layer of a docker archive will be in the store; undefined if it must be unpacked first. */
function plainBlob({ region, diffId }: PlannedBlob): Descriptor | undefined {
  if (diffId === undefined || isPacked(region)) return undefined;
  return { mediaType: OCI_LAYER_TAR, digest: diffId, size: region.size };
}

async function isKnown(store: LocalStore, blob: Descriptor, diffId: string | undefined): Promise<boolean> {
  if (diffId === undefined || diffId === blob.digest) return true;
  return (await findUnpacked(store, blob.digest))?.diffId === diffId;
}

function isPacked(region: FileRegion): boolean {
  const fd = openSync(fsPath(region.path), 'r');
  try {
    const head = Buffer.alloc(Math.min(DETECT_BYTES, region.size));
    readSync(fd, head, 0, head.length, region.offset);
    return detectCompression(head) !== 'none';
  } finally {
    closeSync(fd);
  }
}
