/**
 * Registries over HTTP (distribution-spec 1.1.1): a repository is a place where blobs and manifests are read, one shape with every other store.
 * This room speaks the protocol, proves who asks, and checks what comes; it does not know what is in a layer, and keeps nothing on disk but credentials.
 * @module
 */
import type { CallOptions } from '../base/options.ts';
import type { Http, HttpClock } from '../http/types.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { BlobSource, Refs, Store } from '../store/contract.ts';

/** What proves who asks. Never printed, never in an error, an event or a log. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token (`identitytoken` in Docker's file, user `<token>` of a helper). */
  | { readonly kind: 'identity'; readonly token: string }
  /** A ready bearer token (`registrytoken`). */
  | { readonly kind: 'bearer'; readonly token: string };

/** Where credentials come from. */
export interface Credentials {
  /**
   * The credential for a repository of a registry: the most specific entry wins. Undefined: nothing is known, ask anonymously.
   * @throws CREDENTIALS_HELPER_MISSING only from `failure`: a helper that cannot be asked must not break a pull that needs no credential
   */
  find(registry: string, repository: string, o?: CallOptions): Promise<FoundCredential>;
}

export interface FoundCredential {
  readonly credential?: Credential | undefined;
  /** Why a configured place could not be asked: shown when the registry then refuses the anonymous request. */
  readonly failure?: Error | undefined;
  /** `credential helper "pass" of ~/.docker/config.json`; for messages. */
  readonly origin?: string | undefined;
}

/** A host that serves a registry's content, tried in order; the registry itself is last. */
export interface Endpoint {
  /** `http://127.0.0.1:5000`, `https://registry-1.docker.io`, or with a path of its own: `https://proxy.example/v2/hub`. No trailing slash. */
  readonly base: string;
  /** Replaces the registry's part of the repository's path. */
  readonly repository: string;
  /** `ns=<registry>` is added to each request (containerd's mirrors). */
  readonly namespace?: string | undefined;
  readonly mirror: boolean;
  /** What this endpoint may be asked for; everything when absent. */
  readonly only?: 'digests' | 'tags' | undefined;
}

/** Which hosts serve a repository, from mirrors' configuration. */
export interface Endpoints {
  /** In the order to try. @throws REGISTRY_BLOCKED */
  find(registry: string, repository: string): Promise<readonly Endpoint[]>;
}

export interface RegistryOptions {
  readonly http: Http;
  readonly credentials: Credentials;
  readonly endpoints: Endpoints;
  /** Whether plain HTTP may be tried for a host (with port), after HTTPS. Loopback always may. The same rule as `HttpOptions.insecure`. */
  readonly insecure?: ((host: string) => boolean) | undefined;
  /** Token servers that may be shown any registry's credentials although they stand in another domain than it. */
  readonly trustedRealms?: readonly string[] | undefined;
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined;
  /** Time and chance come in, so that tests wait for nothing. */
  readonly clock?: HttpClock | undefined;
}

export type RegistryEvent =
  /** A mirror did not serve what it was asked for, and the next place is asked; `why` is an error's message. */
  | { readonly kind: 'mirror-failed'; readonly mirror: string; readonly why: string }
  /** A blob goes on at `offset` after its connection broke. */
  | { readonly kind: 'resumed'; readonly digest: Digest; readonly offset: number; readonly why: string };

/** Connections and tokens shared by all repositories of one command. */
export interface Registry {
  /** The repository of a registry, both written out (`docker.io`, `library/debian`), to read from. Asks nothing by itself. */
  repository(registry: string, repository: string): Repository;
  /** The same to write to: never a mirror, and with the rights that this needs. */
  writable(registry: string, repository: string, o?: WritableOptions): WritableRepository;
}

export interface WritableOptions {
  /** Repositories of the same registry that probably have the blob: it is mounted from there instead of sent. */
  readonly sources?: ((digest: Digest) => Promise<readonly string[]>) | undefined;
  readonly onMounted?: ((digest: Digest, from: string) => void) | undefined;
}

/**
 * A repository as a store (distribution-spec 1.1.1, pushing). What was found or put is taken for present from then on; a blob that is looked for and absent is not looked for
 * again by the `put` that follows. A `put` of a stream, instead of a function of an offset, is not gone on with when it is cut.
 */
export interface WritableRepository extends Repository, Store {
  /** Tags the manifest, whose bytes are sent; they are read from the repository when not given. A tag that points there already is left alone. @throws REGISTRY_REFUSED, REGISTRY_DENIED, REGISTRY_STORED */
  tag(
    name: string,
    target: Descriptor,
    o?: CallOptions & { readonly bytes?: Uint8Array | undefined },
  ): Promise<void>;
}

/** Names are tags or digests. */
export interface Repository extends BlobSource, Pick<Refs, 'resolve'> {
  /** All tags in the order the registry gives them, read page by page. @throws REGISTRY_LINK for a page on another host */
  tags(o?: CallOptions): AsyncIterable<string>;
  readonly registry: string;
  readonly repository: string;
}

/** Counts of what one `Registry` did; for tests and `--debug`. */
export interface Traffic {
  readonly requests: number;
  readonly bodyBytes: number;
  readonly resumed: readonly Digest[];
}
