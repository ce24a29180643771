import type { LayerRef } from '../../src/runtime/types.ts';
import type { RootfsAgent, View } from './rootfs-agent.ts';

/** What the layers show when mounted, as `RootfsAgent.view` with the times of directories too. */
export async function viewLayers(agent: RootfsAgent, layers: readonly LayerRef[]): Promise<View> {
  return (await agent.run(
    `${TIMED}
    const root = await snapshotter.prepare(layersOf(o.layers));
    try { return timed(root.mount()); } finally { await root.dispose(); }`,
    { layers },
  )) as View;
}

/** What stands in a folder, in the same words. */
export async function viewFolder(agent: RootfsAgent, path: string): Promise<View> {
  return (await agent.run(`${TIMED} return timed(o.path);`, { path })) as View;
}

const TIMED = `
const { fsPath } = await load('base/names.js');
const timed = (top) => {
  const view = viewOf(top);
  for (const path of Object.keys(view)) {
    if (!view[path].startsWith('dir ')) continue;
    view[path] += ' ' + fs.lstatSync(fsPath(top + '/' + path), { bigint: true }).mtimeNs / 1000000000n;
  }
  return view;
};
`;

/** The paths at which two views differ, with both sides. */
export function differences(ours: View, theirs: View): string[] {
  const paths = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].sort();
  return paths
    .filter((path) => ours[path] !== theirs[path])
    .map((path) => `${path}: ${ours[path]} | ${theirs[path]}`);
}
