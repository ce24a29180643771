/** The last parameter of everything that does I/O. */
export interface CallOptions {
  /** Honoured at each turn; after an abort nothing half-made is visible. */
  readonly signal?: AbortSignal | undefined;
}

/** Call options with a listener for the events of one room. */
export interface WatchOptions<E> extends CallOptions {
  readonly onEvent?: ((event: E) => void) | undefined;
}
