import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { resolveUser } from '../image/user.ts';
import type { Layer } from '../layer/types.ts';
import { writeLayer } from '../layer/write-layer.ts';
import type { LocalStore } from '../store/contract.ts';
import { clampPath, type SourceNode } from './context/file-source.ts';
import { placeCopy } from './copy/place-copy.ts';
import { buildError } from './errors.ts';
import type { Op } from './graph.ts';
import { type ImageView, readAccounts } from './image-view.ts';

export interface WorkdirTools {
  readonly store: LocalStore;
  readonly epoch?: number | undefined;
}

/**
 * The layer that makes the directory of a WORKDIR (0755, owned by the USER) with the parents it lacks; undefined when it is there already.
 * @throws BUILD_WORKDIR_NOT_FOLDER, IMAGE_USER_UNKNOWN, IMAGE_GROUP_UNKNOWN
 */
export async function executeWorkdir(
  op: Op & { readonly kind: 'workdir' },
  view: ImageView,
  tools: WorkdirTools,
  o: CallOptions = {},
): Promise<Layer | undefined> {
  const { tree } = view;
  const path = tree.resolve(clampPath(op.path));
  const there = path === '' ? 'directory' : tree.get(path)?.kind;
  if (there === 'directory') return undefined;
  if (there !== undefined) throw buildError('BUILD_WORKDIR_NOT_FOLDER', { path: op.path, at: `/${path}` });
  const asRoot = op.user === '' || op.user === 'root' || op.user === '0';
  const accounts = asRoot ? undefined : await readAccounts(tools.store, view, o);
  const { uid, gid } = asRoot ? { uid: 0, gid: 0 } : resolveUser(op.user, accounts?.passwd, accounts?.group);
  const node: SourceNode = { kind: 'directory', mode: 0o755, uid, gid, mtime: undefined, size: 0 };
  const source = { name: '', files: [{ name: '', from: op.path, node }] };
  try {
    const plan = placeCopy({
      tree,
      sources: [source],
      inline: [],
      dest: `/${path}/`,
      owner: { uid, gid },
      epoch: tools.epoch,
      content: () => {
        throw new TypeError('a directory has no content');
      },
    });
    return await writeLayer(tools.store, plan, o);
  } catch (error) {
    if (!isDobosError(error, 'BUILD_DEST_NOT_FOLDER')) throw error;
    throw buildError('BUILD_WORKDIR_NOT_FOLDER', { path: op.path, at: String(error.facts.path) });
  }
}
