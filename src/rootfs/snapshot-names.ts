import { digestOf } from '../base/bytes.ts';
import type { Digest } from '../oci/types.ts';

/** How a snapshot is kept: a layer's own changes with overlay marks in `trusted.` or `user.` attributes, or the whole file system. */
export type SnapshotFormat = 'trusted' | 'user' | 'whole';

/** Folder names are short because up to 200 of them must fit into the one page that mount(2) takes. */
const FORMAT_FOLDERS: Readonly<Record<SnapshotFormat, string>> = { trusted: 'o', user: 'u', whole: 'w' };

/** 96 bits of the chain id: too many to find a second chain of the same name, few enough for 200 of them in a page. */
const NAME_CHARACTERS = 16;

/** The directory name of a chain's snapshot. */
export function snapshotName(chainId: Digest): string {
  return digestOf(chainId).toString('base64url').slice(0, NAME_CHARACTERS);
}

/** The lock file of a snapshot: one of 4096, so two chains rarely share one and the folder stays small. */
export function lockName(name: string): string {
  return name.slice(0, 2);
}

/** Where everything is kept. Names with one letter, for the reason above. */
export interface SnapshotPaths {
  readonly base: string;
  /** A folder per living process: its roots and half-made snapshots. */
  readonly sessions: string;
  /** Held shared while snapshots are marked as used, exclusively while some are removed. */
  readonly gate: string;
}

export function snapshotPaths(storeFolder: string): SnapshotPaths {
  const base = `${storeFolder}/snapshots`;
  return { base, sessions: `${base}/t`, gate: `${base}/gate` };
}

/** Where the snapshots of one format are kept. */
export interface FormatPaths {
  /** Published snapshots, a directory each. The working directory of overlay mounts. */
  readonly layers: string;
  /** A note (JSON) for each published snapshot. */
  readonly notes: string;
  /** Lock files of chains being made; never removed, so their number is bounded (`lockName`). */
  readonly locks: string;
}

export function formatPaths(paths: SnapshotPaths, format: SnapshotFormat): FormatPaths {
  const folder = `${paths.base}/${FORMAT_FOLDERS[format]}`;
  return { layers: `${folder}/l`, notes: `${folder}/n`, locks: `${folder}/k` };
}
