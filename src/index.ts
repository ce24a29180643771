/**
 * The library's door: re-exports, nothing else. Each room is also reached by its own files: `dobos/store/directory-store`.
 * @module
 */
export type { DobosError } from './base/errors.ts';
