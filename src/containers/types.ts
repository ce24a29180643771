/**
 * Containers: processes over an image, with what they wrote and how they ended, kept by id and name in the store's folder. There is no daemon: the command that
 * starts a container looks after it, and who lists containers finds out what became of those whose command has died.
 * @module
 */
import type { ContainerConfig, Descriptor, Digest } from '../oci/types.ts';
import type { NetworkAddress, PortWish, PublishedPort } from '../runtime/network/types.ts';
import type { LayerRef, Process } from '../runtime/types.ts';
import type { RestartPolicy, Restarts } from './restart-policy.ts';

/** What a container was made from. */
export interface ContainerImage {
  /** As the person wrote it. */
  readonly name: string;
  /** The full name in the store that it was found by, with what that pointed at: an index, or the manifest. */
  readonly found?: { readonly name: string; readonly target: Digest } | undefined;
  /** Digest of its config. */
  readonly id: Digest;
  readonly manifest: Descriptor;
  /** Base first. */
  readonly layers: readonly LayerRef[];
}

/** A network that is made, or joined, for each run. */
export type ContainerNetwork =
  | { readonly mode: 'bridge'; readonly ports: readonly PortWish[] }
  /** `of` is the id of the container whose network it is. */
  | { readonly mode: 'container'; readonly of: string };

/** Its outcome. */
export interface RunningNetwork {
  readonly address?: NetworkAddress | undefined;
  readonly ports: readonly PublishedPort[];
}

/** Times are epoch milliseconds. */
export type ContainerState =
  /** Nothing ran yet; `problem` and `code` say why a start failed. */
  | { readonly kind: 'created'; readonly code?: number | undefined; readonly problem?: string | undefined }
  | {
      readonly kind: 'running';
      readonly startedAt: number;
      /** The process that looks after it, as `ownerId` (store/owner.ts) tells it. */
      readonly owner: string;
      /** What was made for it, when it has a network of its own. */
      readonly network?: RunningNetwork | undefined;
      /** Its processes are stopped where they are. */
      readonly paused?: boolean | undefined;
      /** Somebody wants it to end: it is not started again. */
      readonly last?: boolean | undefined;
    }
  | {
      readonly kind: 'exited';
      readonly startedAt: number;
      readonly finishedAt: number;
      readonly code: number;
      readonly problem?: string | undefined;
    }
  /** It has ended, and its owner waits to start it again. */
  | {
      readonly kind: 'restarting';
      readonly startedAt: number;
      readonly finishedAt: number;
      readonly code: number;
      readonly owner: string;
    }
  /** Its files are going. */
  | { readonly kind: 'removing' };

/** One container, as it stands in `containers/<id>/container.json`. */
export interface Container {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly image: ContainerImage;
  readonly process: Process;
  /** Instead of what the process says, which is `none` then. */
  readonly network?: ContainerNetwork | undefined;
  /** What an image committed from it runs: the image's, with what was asked for at the start. */
  readonly config: ContainerConfig;
  /** Standard input is passed on. */
  readonly interactive: boolean;
  /** Gone as soon as it ends. */
  readonly autoRemove: boolean;
  /** When it is started again; never when absent. */
  readonly restart?: RestartPolicy | undefined;
  /** Since it was started by hand. */
  readonly restarts?: Restarts | undefined;
  /** As in `--runtime`; the settings' when absent. */
  readonly runtime?: string | undefined;
  /** The process, as `ownerId` tells it, that changes files of the container while that does not run. */
  readonly heldBy?: string | undefined;
  readonly state: ContainerState;
}
