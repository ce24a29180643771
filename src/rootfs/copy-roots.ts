import { mkdirSync } from 'node:fs';
import type { CallOptions } from '../base/options.ts';
import type { Layer } from '../layer/types.ts';
import { AT_FDCWD, chmodAt, timesAt } from '../linux/at.ts';
import type { Digest } from '../oci/types.ts';
import { createRoot } from './create-root.ts';
import { homeOf, pointsOf } from './kept-roots.ts';
import { rememberTree } from './remember-tree.ts';
import { withPlace } from './system-errors.ts';
import type { Rootfs, RootPlace } from './types.ts';
import { runInWorker, type UnpackTools } from './unpack.ts';

/** A root that is a full copy of what the layers show: where there is no overlayfs. Nothing is mounted. */
export async function createCopiedRoot(
  tools: UnpackTools,
  layers: readonly Layer[],
  chains: readonly Digest[],
  release: () => void,
  o: CallOptions & { readonly place?: RootPlace | undefined },
): Promise<Rootfs> {
  const { snapshots, session } = tools;
  const folder = session.makeFolder();
  const top = chains.at(-1);
  const below = top === undefined ? undefined : snapshots.folderOf(top);
  const { place } = o;
  const home = await homeOf(folder, place, 'whole', async (made) => {
    const to = `${made}/m`;
    withPlace('making', to, () => {
      mkdirSync(to, { mode: 0o755 });
      chmodAt(AT_FDCWD, to, 0o755);
      timesAt(AT_FDCWD, to, 0);
    });
    if (below !== undefined) await runInWorker({ kind: 'copy', from: below, to }, o);
  });
  const merged = `${home}/m`;
  return createRoot({
    ...tools,
    folder,
    points: place === undefined ? undefined : pointsOf(home),
    plan: { kind: 'plain', merged },
    layers,
    changed: merged,
    marks: undefined,
    // What is there already of a root that stays is not what its layers gave.
    memory: place === undefined ? rememberTree(merged) : undefined,
    mount: () => undefined,
    unmount: () => undefined,
    openBelow: () => (below === undefined ? undefined : { path: below, close: () => undefined }),
    release,
  });
}
