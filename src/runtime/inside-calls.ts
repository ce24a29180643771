import type { FileKind } from '../layer/types.ts';
import type { RootPlace } from '../rootfs/types.ts';
import type { ContainerRoot } from './types.ts';

/** Descriptors of a keeper for files that are copied: the bytes, and the root of a container that runs. */
export const CHANNEL_FD = 5;
export const ROOT_FD = 6;

/** Whose files: of the container whose root was given as a descriptor, or of one that does not run. */
export type InsideTarget =
  | { readonly kind: 'running' }
  | {
      readonly kind: 'idle';
      readonly root: ContainerRoot;
      readonly place: RootPlace;
      /** Files and folders of the host that it shows when it runs. */
      readonly shown: readonly {
        readonly source: string;
        readonly target: string;
        readonly readOnly: boolean;
      }[];
      /** Its own files are not to be changed. */
      readonly readOnly: boolean;
    };

/** What a path of a container leads to. */
export interface InsideLook {
  readonly kind: Exclude<FileKind, 'hardlink'> | 'socket';
  /** Relative to the root, links followed as far as was asked for. */
  readonly path: string;
}

/** Whose the files become that are copied in. */
export type InsideOwner = 'archive' | { readonly user: string };

/** What the keeper is asked about files of a container. */
export type InsideCall =
  | {
      readonly method: 'lookInside';
      readonly target: InsideTarget;
      readonly path: string;
      readonly follow: boolean;
    }
  /** The tar goes to the channel, and then its end. */
  | {
      readonly method: 'packInside';
      readonly target: InsideTarget;
      readonly path: string;
      readonly follow: boolean;
      readonly top: string;
    }
  /** The tar comes by the channel. */
  | {
      readonly method: 'unpackInside';
      readonly target: InsideTarget;
      readonly path: string;
      readonly owner: InsideOwner;
    };

export interface InsideResults {
  /** Undefined if nothing is there. */
  readonly lookInside: InsideLook | undefined;
  readonly packInside: undefined;
  /** Bytes of files written. */
  readonly unpackInside: number;
}
