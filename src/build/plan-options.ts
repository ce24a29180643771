import type { Range } from '../dockerfile/ast.ts';
import type { Platform } from '../oci/types.ts';
import type { NamedContexts } from './context-names.ts';

export interface PlanOptions {
  /** `--build-arg`: name → value; a name without a value is resolved at the door or left out. Proxies of the host come in here too. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** `--target`: name of a stage, case-insensitive; the last stage without it. */
  readonly target?: string | undefined;
  /** Stages that the target does not need are planned too. */
  readonly allStages?: boolean | undefined;
  /** Of the image to make. */
  readonly platform: Platform;
  /** Of this machine. */
  readonly buildPlatform: Platform;
  /** `--label`, set last. */
  readonly labels?: ReadonlyMap<string, string> | undefined;
  /** `--network`, for RUNs that do not say. */
  readonly network?: 'default' | 'host' | 'none' | undefined;
  /** `--allow`: what RUN may have beyond the usual (`security.insecure`). */
  readonly allow?: ReadonlySet<string> | undefined;
  /** SOURCE_DATE_EPOCH in seconds: the value of that ARG where one is declared. */
  readonly epoch?: number | undefined;
  /** `--build-context`: what stands for a stage or an image of that name. */
  readonly contexts?: NamedContexts | undefined;
  /** The Dockerfile's name, for the place in errors. */
  readonly fileName?: string | undefined;
}

/** An image that must be read before planning. */
export interface BaseRequest {
  /** Key for the `bases` map, and `name` of the graph's base ops. */
  readonly key: string;
  /** As written, ARGs expanded. */
  readonly name: string;
  readonly platform: Platform;
  /** Where the Dockerfile names it first. */
  readonly origin: Range;
  /** A stage whose name is close to this one: what the author may have meant, if there is no such image. */
  readonly nearStage: string | undefined;
}
