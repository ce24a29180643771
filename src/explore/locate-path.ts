import { editDistance } from '../base/edit-distance.ts';
import { emptyTree } from '../layer/apply-layer.ts';
import { baseName, cleanPath, parentPath } from '../layer/entry-paths.ts';
import type { FileTree, Inode } from '../layer/types.ts';
import { exploreError } from './errors.ts';
import type { OpenExploration } from './explore-image.ts';
import { pathHistory } from './layer-view.ts';

/** Names told of in an error. */
const MAX_NEAR = 3;

/** The last layer whose tree is meant: the top one without a text. @throws EXPLORE_LAYER */
export function chooseLayer(exploration: OpenExploration, image: string, text: string | undefined): number {
  const layers = exploration.trees.length;
  if (text === undefined) return layers - 1;
  const wanted = /^\d{1,5}$/.test(text) ? Number(text) : layers;
  if (wanted >= layers) throw exploreError('EXPLORE_LAYER', { image, wanted: text, layers });
  return wanted;
}

/** The tree after a layer; that of an image without layers is empty. */
export const treeAfter = ({ trees }: OpenExploration, layer: number): FileTree => trees[layer] ?? emptyTree();

/** What a path leads to after a layer, its symlinks followed inside the image (the last one too, unless `keepLast`). @throws EXPLORE_PATH, LAYER_LINK_LOOP, LAYER_NAME */
export function locatePath(
  exploration: OpenExploration,
  layer: number,
  text: string,
  o: { readonly keepLast?: boolean } = {},
): { readonly path: string; readonly inode: Inode } {
  const tree = treeAfter(exploration, layer);
  const path = tree.resolve(cleanPath(text), o);
  const inode = tree.get(path);
  if (inode !== undefined) return { path, inode };
  const removal = pathHistory(exploration, path).findLast((each) => each.layer <= layer);
  throw exploreError('EXPLORE_PATH', {
    path,
    layer: layer === exploration.trees.length - 1 ? undefined : layer,
    removedBy: removal?.change === 'removed' ? removal.layer : removedAbove(exploration, layer, path),
    near: nearPaths(tree, path),
  });
}

/** The layer that removed a directory on the way to the path, with the path. */
function removedAbove({ trees }: OpenExploration, layer: number, path: string): number | undefined {
  for (let at = layer; at > 0; at--) if (trees[at - 1]!.get(path) !== undefined) return at;
  return undefined;
}

/** Paths of the nearest directory that is there, which are spelled nearly as what is missing. */
function nearPaths(tree: FileTree, path: string): string[] {
  let missing = path;
  while (missing !== '' && tree.get(parentPath(missing))?.kind !== 'directory') missing = parentPath(missing);
  if (missing === '') return [];
  const folder = parentPath(missing);
  const wanted = baseName(missing);
  const near: { readonly name: string; readonly distance: number }[] = [];
  for (const [name] of tree.children(folder)) {
    if (Math.abs(name.length - wanted.length) > 3 || name.length > 100) continue;
    const distance = editDistance(name, wanted);
    if (distance <= Math.max(1, Math.floor(wanted.length / 3))) near.push({ name, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_NEAR)
    .map(({ name }) => (folder === '' ? name : `${folder}/${name}`));
}
