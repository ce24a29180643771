import { errorMaker } from '../base/errors.ts';

export type LayerErrors = {
  LAYER_LINK_TARGET: { path: string; target: string; problem: string };
  LAYER_LINK_LOOP: { path: string; limit: number };
  LAYER_WHITEOUT_INVALID: { name: string };
  LAYER_WHITEOUT_NAME: { path: string };
  LAYER_ROOT_KIND: { kind: string };
  LAYER_NAME: { name: string; problem: string };
  LAYER_FIELD: { path: string; field: string; value: number; max: number };
  LAYER_DIFF_ID: { blob: string; want: string; got: string };
  LAYER_FILE_CHANGED: { path: string; file: string; want: number; got: number };
  LAYER_FILE_READ: { path: string; file: string; problem: string };
  LAYER_PLAN: { path: string; problem: string };
  LAYER_INDEX_BROKEN: { problem: string };
  LAYER_TOO_MANY_ENTRIES: { limit: number };
  LAYER_TOO_MANY_PARENTS: { path: string; limit: number };
};

/** Errors of the layer room. */
export const layerError = errorMaker<LayerErrors>({
  LAYER_LINK_TARGET: ({ path, target, problem }) =>
    `hard link ${show(path)} points at ${show(target)}, which ${problem}`,
  LAYER_LINK_LOOP: ({ path, limit }) => `${show(path)} goes through more than ${limit} symbolic links`,
  LAYER_WHITEOUT_INVALID: ({ name }) => `layer entry ${show(name)} is not a valid whiteout name`,
  LAYER_WHITEOUT_NAME: ({ path }) => ({
    message: `${show(path)} cannot be stored in a layer: names that start with .wh. mean deletion there`,
    hint: 'rename the file, or leave it out with .dockerignore',
  }),
  LAYER_ROOT_KIND: ({ kind }) => `layer entry for the root is a ${kind}, want a directory`,
  LAYER_NAME: ({ name, problem }) => `layer entry ${show(name.slice(0, 200))} ${problem}`,
  LAYER_FIELD: ({ path, field, value, max }) => `${field} of ${show(path)} is ${value}, want 0 to ${max}`,
  LAYER_DIFF_ID: ({ blob, want, got }) => ({
    message: `layer ${blob} unpacks to ${got}, want ${want}`,
    hint: 'the blob or the image configuration is damaged: load or pull the image again',
  }),
  LAYER_FILE_CHANGED: ({ path, file, want, got }) => ({
    message: `${file} changed while it was read for ${show(path)}: got ${got} bytes, want ${want}`,
    hint: 'run again when nothing writes to it',
  }),
  LAYER_FILE_READ: ({ path, file, problem }) => `${file} cannot be read for ${show(path)}: ${problem}`,
  LAYER_PLAN: ({ path, problem }) => `planned entry ${show(path)} ${problem}`,
  LAYER_INDEX_BROKEN: ({ problem }) => `layer index cannot be used: ${problem}`,
  LAYER_TOO_MANY_ENTRIES: ({ limit }) => `layer has more than ${limit} entries`,
  LAYER_TOO_MANY_PARENTS: ({ path, limit }) =>
    `layer needs more than ${limit} directories that it has no entries for, the last for ${show(path.slice(0, 200))}`,
});

/** A path as a person reads it: `/` for the root, quoted when it holds more than plain characters. */
function show(path: string): string {
  if (path === '') return '/';
  return /^[\x21-\x7e]+$/.test(path) ? path : JSON.stringify(path);
}
