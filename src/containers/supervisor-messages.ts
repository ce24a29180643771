import type { PlainError } from '../base/errors.ts';
import type { ExitStatus } from '../runtime/types.ts';

/** What a supervisor is told to look after. */
export interface SupervisorOrder {
  /** Of the container. */
  readonly id: string;
  readonly storeFolder: string;
  /** As in `KeeperOptions`. */
  readonly runtime: string;
  /** It has ended in the foreground of the command, and is to be started again. */
  readonly again?: boolean | undefined;
}

/** What a supervisor says until the container's program runs, or cannot; the last of these is `started`, `ended` or `failed`. */
export type FromSupervisor =
  /** What the person should know about how programs run here. */
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'started' }
  /** Nothing was started: as `ExitStatus.refused`. */
  | { readonly kind: 'ended'; readonly exit: ExitStatus }
  | { readonly kind: 'failed'; readonly error: PlainError };
