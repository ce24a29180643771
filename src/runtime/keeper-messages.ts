import type { PlainError } from '../base/errors.ts';
import type { TerminalSize } from '../linux/pty.ts';
import type { Digest } from '../oci/types.ts';
import type { CacheMountChoice, CacheMountUse, RootChange } from '../rootfs/types.ts';
import type { InsideCall, InsideResults } from './inside-calls.ts';
import type { NetworkPlan, OpenNetwork } from './network/types.ts';
import type {
  BundleRequest,
  ContainerRoot,
  ExecProcess,
  ExecutorFacts,
  ExecutorUse,
  ExitStatus,
  KeeperOptions,
  LayerRef,
  Output,
  RunOutcome,
  RunRequest,
} from './types.ts';

/** What the keeper is asked; results are those of the methods of the same name of `Keeper`. */
export type KeeperCall =
  | { readonly method: 'executor'; readonly use: ExecutorUse }
  | { readonly method: 'run'; readonly request: RunRequest }
  | { readonly method: 'exec'; readonly folder: string; readonly process: ExecProcess }
  | {
      readonly method: 'signalContainer';
      readonly folder: string;
      readonly signal: NodeJS.Signals;
      readonly to: 'first' | 'all';
    }
  | { readonly method: 'unpack'; readonly layers: readonly LayerRef[] }
  | { readonly method: 'collectSnapshots'; readonly keep: readonly Digest[] }
  | { readonly method: 'listSnapshots' }
  | { readonly method: 'listCacheMounts' }
  | { readonly method: 'removeCacheMounts'; readonly choice: CacheMountChoice }
  | { readonly method: 'rootChanges'; readonly root: ContainerRoot }
  | { readonly method: 'commitRoot'; readonly root: ContainerRoot; readonly epoch: number | undefined }
  | { readonly method: 'packRoot'; readonly root: ContainerRoot; readonly path: string }
  | { readonly method: 'rootBytes'; readonly roots: readonly ContainerRoot[] }
  | { readonly method: 'discardRoot'; readonly folder: string }
  | { readonly method: 'openNetwork'; readonly plan: NetworkPlan }
  | { readonly method: 'closeNetwork'; readonly id: number }
  | { readonly method: 'writeBundle'; readonly request: BundleRequest }
  | { readonly method: 'removeFolder'; readonly folder: string }
  | { readonly method: 'folderBytes'; readonly folders: readonly string[] }
  | InsideCall;

/** Results by method. */
export interface KeeperResults extends InsideResults {
  readonly executor: ExecutorFacts;
  readonly run: RunOutcome;
  readonly exec: ExitStatus;
  readonly signalContainer: undefined;
  readonly unpack: undefined;
  readonly collectSnapshots: { readonly bytes: number; readonly removed: number };
  readonly listSnapshots: readonly { readonly chainId: Digest; readonly bytes: number }[];
  readonly listCacheMounts: readonly CacheMountUse[];
  readonly removeCacheMounts: readonly CacheMountUse[];
  readonly rootChanges: readonly RootChange[];
  readonly commitRoot: LayerRef | undefined;
  readonly packRoot: number;
  readonly rootBytes: readonly number[];
  readonly folderBytes: readonly number[];
  readonly discardRoot: undefined;
  readonly openNetwork: OpenNetwork;
  readonly closeNetwork: undefined;
  readonly writeBundle: undefined;
  readonly removeFolder: undefined;
}

/** From the client into the keeper. */
export type ToKeeper =
  | {
      readonly kind: 'open';
      readonly options: KeeperOptions;
      readonly owner: string;
      /** Why there are no namespaces around it; undefined when there are. */
      readonly unisolated: string | undefined;
      /** As `LaunchOptions`. */
      readonly ahead: boolean;
    }
  | { readonly kind: 'call'; readonly id: number; readonly call: KeeperCall }
  | { readonly kind: 'cancel'; readonly id: number }
  /** For the input of the program of a call; without bytes its end. One at a time: the next after `taken`. */
  | { readonly kind: 'input'; readonly id: number; readonly bytes?: Uint8Array | undefined }
  | ({ readonly kind: 'resize'; readonly id: number } & TerminalSize)
  /** The output of a call that came last has been dealt with; more comes after this only where output is held back. */
  | { readonly kind: 'heard'; readonly id: number }
  /** For the program on the person's own streams. */
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'close' };

/** From the keeper to the client. */
export type FromKeeper =
  /** Namespaces and mounts stand; with `ahead` it says at once which executor it has for containers, if there is one. */
  | { readonly kind: 'ready'; readonly executor?: ExecutorFacts | undefined }
  /** They do not, in these namespaces: others may be tried. The keeper ends. */
  | { readonly kind: 'confined'; readonly message: string }
  /** Something else stands in the way; the keeper ends. */
  | { readonly kind: 'unable'; readonly error: PlainError }
  /** The program of a call runs. */
  | { readonly kind: 'started'; readonly id: number }
  /** The input that was sent last has been written. */
  | { readonly kind: 'taken'; readonly id: number }
  /** `held`: `heard` is waited for. */
  | {
      readonly kind: 'output';
      readonly id: number;
      readonly output: Output;
      readonly held?: boolean | undefined;
    }
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PlainError };
