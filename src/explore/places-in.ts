import { isDobosError } from '../base/errors.ts';
import type { FileTree } from '../layer/types.ts';

/** Finds where paths lead in a tree when the links on the way are followed, not the last one; as they are written where those turn in a circle. */
export function placesIn(tree: FileTree): (path: string) => string {
  // Paths come folder by folder: each folder is looked up once.
  const folders = new Map<string, string>();
  const placeOf = (folder: string): string => {
    let place = folders.get(folder);
    if (place === undefined) {
      place = resolved(tree, folder);
      folders.set(folder, place);
    }
    return place;
  };
  return (path) => {
    const slash = path.lastIndexOf('/');
    if (slash < 0) return path;
    const folder = placeOf(path.slice(0, slash));
    return folder === '' ? path.slice(slash + 1) : `${folder}${path.slice(slash)}`;
  };
}

function resolved(tree: FileTree, path: string): string {
  try {
    return tree.resolve(path);
  } catch (error) {
    if (isDobosError(error)) return path;
    throw error;
  }
}
