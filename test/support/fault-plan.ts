/** Which requests a fault is for. `blob` is one to the registry itself, `upload` one that belongs to an upload, `cdn` one to where blobs are redirected to. */
export type FaultTarget = 'manifest' | 'blob' | 'upload' | 'cdn' | 'token';

/** Where a redirect or a realm leads. */
export type Elsewhere =
  /** Another port of the registry's own address. */
  | 'cdn'
  /** Another loopback address, where a server listens that must never be asked. */
  | 'private'
  /** 169.254.169.254. */
  | 'link-local'
  /** Plain HTTP, from a registry with TLS. */
  | 'plain'
  /** The same again. */
  | 'loop'
  /** No URL at all, and one of another scheme. */
  | 'nonsense'
  | 'file';

/** What goes wrong, with `share` of the bytes sent before it does. */
export type Fault =
  | { readonly kind: 'cut'; readonly share: number }
  /** The connection breaks when so much of the request's body has come and is passed on. */
  | { readonly kind: 'cut-body'; readonly share: number }
  | { readonly kind: 'reset' }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly retryAfter?: 'seconds' | 'date' | 'nonsense' | 'never';
    }
  /** The announced length is off by so many bytes, and as many are sent as announced, or as there are. */
  | { readonly kind: 'length'; readonly by: number; readonly kept: boolean }
  | { readonly kind: 'flip'; readonly share: number }
  /** Then a byte now and then, without end; or nothing more. */
  | { readonly kind: 'drip'; readonly share: number }
  | { readonly kind: 'stall'; readonly share: number }
  | { readonly kind: 'silence' }
  /** All of it is sent where a part was asked for, as 200; or the part as if it were all. */
  | { readonly kind: 'no-range' }
  | { readonly kind: 'part-as-whole' }
  | { readonly kind: 'wrong-range'; readonly by: number }
  | { readonly kind: 'other-bytes'; readonly share: number }
  | { readonly kind: 'endless'; readonly announced: boolean }
  | { readonly kind: 'body'; readonly text: string; readonly type?: string }
  | { readonly kind: 'headers'; readonly bytes: number };

export interface PlannedFault {
  readonly on: FaultTarget;
  /** Requests of this target that pass before it begins. */
  readonly after: number;
  /** How many requests it hits; all that follow when absent. */
  readonly times?: number;
  /** Answers with fewer bytes than this pass. */
  readonly leastBytes?: number;
  readonly fault: Fault;
}

/** How a registry behaves for one pull. The same seed makes the same plan. */
export interface FaultPlan {
  readonly faults: readonly PlannedFault[];
  /** Blobs are not served but redirected, so many times each; all when absent. */
  readonly redirect?: { readonly to: Elsewhere; readonly status: number; readonly times?: number };
  /** Where uploads are said to go on. */
  readonly uploadsTo?: Elsewhere;
  readonly auth?: {
    readonly realm: 'token-server' | Elsewhere;
    /** Requests after which a token has expired. */
    readonly usesPerToken?: number;
    readonly credentials: 'right' | 'wrong' | 'none';
    readonly anonymous: boolean;
    readonly oauth: boolean;
  };
  /** When so many bytes of blobs are sent the line is dead: what is under way is cut, and nobody answers any more. */
  readonly deadAfterBytes?: number;
  /** The host that the next page of tags is on. */
  readonly nextPage?: Elsewhere;
  readonly tls: boolean;
  /** `Set-Cookie` comes with each answer. */
  readonly cookies: boolean;
}

export const NO_FAULTS: FaultPlan = { faults: [], tls: false, cookies: false };
