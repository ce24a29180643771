import type { Inode } from '../../layer/types.ts';
import type { State } from './state.ts';

/** What is at a path with a layer on top, or an older version of a file. */
export interface Extractable {
  readonly layer: number;
  readonly path: string;
  readonly inode: Inode;
  readonly name: string;
}

/** What the explorer asks of the world. */
export interface World {
  /** The beginning of a regular file that a layer stores. */
  read(layer: number, order: number): Promise<{ readonly bytes: Uint8Array; readonly size: number }>;
  /** Writes a file or directory to disk; where it is then. */
  extract(what: Extractable, to: string): Promise<string>;
  /** To be drawn again. */
  changed(): void;
  /** With nothing of the last screen left. */
  redraw(): void;
  suspend(): void;
  quit(): void;
}

/** Work that is done piece by piece. */
export interface Job {
  readonly steps: Generator<void, void>;
  readonly done: () => void;
}

/** What the parts of the explorer act on. */
export interface Acting {
  readonly s: State;
  readonly world: World;
  /** Ends what was done for the same reason. */
  begin(reason: 'totals' | 'survey' | 'search', job: Job | undefined): void;
}
