/**
 * The OCI image specification 1.1.1 as types. Unknown properties survive: raw bytes stand beside every parsed value.
 * @module
 */

/** `algorithm:encoded`; made only by `parseDigest` and by hashing. */
export type Digest = `${'sha256' | 'sha512'}:${string}`;

export type Annotations = Readonly<Record<string, string>>;

/** GOOS and GOARCH values. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
  readonly 'os.version'?: string | undefined;
  readonly 'os.features'?: readonly string[] | undefined;
}

/** Points at content: what it is, its digest, its size in bytes (image-spec 1.1.1, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Platform | undefined;
  readonly annotations?: Annotations | undefined;
  readonly artifactType?: string | undefined;
}

/** An image manifest, OCI or Docker schema 2 (manifest.md); layers base first. */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor | undefined;
  readonly annotations?: Annotations | undefined;
}

/** An image index or Docker manifest list (image-index.md). */
export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string | undefined;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Annotations | undefined;
}

/** One row of an image's history (config.md); oldest first in the config. */
export interface HistoryEntry {
  readonly created?: string | undefined;
  readonly created_by?: string | undefined;
  readonly author?: string | undefined;
  readonly comment?: string | undefined;
  readonly empty_layer?: boolean | undefined;
}

/** Durations in nanoseconds, as Docker stores them. */
export interface Healthcheck {
  readonly Test?: readonly string[] | undefined;
  readonly Interval?: number | undefined;
  readonly Timeout?: number | undefined;
  readonly StartPeriod?: number | undefined;
  readonly StartInterval?: number | undefined;
  readonly Retries?: number | undefined;
}

/** How a container of the image runs (config.md), with Docker's extensions. `null` in a document reads as absent. */
export interface ContainerConfig {
  readonly User?: string | undefined;
  readonly ExposedPorts?: Readonly<Record<string, object>> | undefined;
  readonly Env?: readonly string[] | undefined;
  readonly Entrypoint?: readonly string[] | undefined;
  readonly Cmd?: readonly string[] | undefined;
  readonly Volumes?: Readonly<Record<string, object>> | undefined;
  readonly WorkingDir?: string | undefined;
  readonly Labels?: Readonly<Record<string, string>> | undefined;
  readonly StopSignal?: string | undefined;
  readonly ArgsEscaped?: boolean | undefined;
  readonly Healthcheck?: Healthcheck | undefined;
  readonly Shell?: readonly string[] | undefined;
  readonly OnBuild?: readonly string[] | undefined;
  readonly StopTimeout?: number | undefined;
}

/** An image configuration (config.md). `diff_ids` base first. Unknown keys are kept by every edit. */
export interface ImageConfig extends Platform {
  readonly created?: string | undefined;
  readonly author?: string | undefined;
  readonly config?: ContainerConfig | undefined;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[] | undefined;
}
