/**
 * Every moment at which a store on disk may be killed and leave something behind, in the order of a build. The crash test kills a process at each.
 */
export const WRITE_POINTS = [
  'layout-folders',
  'layout-index',
  'layout-marked',
  'partial-taken',
  'partial-kept',
  'temp-created',
  'temp-written',
  'temp-synced',
  'blob-renamed',
  'blob-durable',
  'index-locked',
  'index-written',
  'index-renamed',
  'index-durable',
  'lease-created',
  'lease-noted',
  'lease-released',
  'root-written',
  'root-renamed',
  'note-written',
  'note-renamed',
  'collect-begun',
  'collect-marked',
  'collect-swept',
  'collect-ended',
] as const;

export type WritePoint = (typeof WRITE_POINTS)[number];

/** Called at each write point; a test ends its process in it. A collection waits for what it returns. */
export type OnWritePoint = (point: WritePoint) => void | Promise<void>;
