/**
 * Dockerfile and base images in, graph of steps out. Pure: reads no file, no environment, no clock.
 * @module
 */
import type { Dockerfile, Range } from '../dockerfile/ast.ts';
import type { Image } from '../image/types.ts';
import type { Platform } from '../oci/types.ts';
import type { BuildGraph } from './graph.ts';

export interface PlanOptions {
  /** `--build-arg`: name → value; a name without a value is resolved at the door or left out. Proxies of the host come in here too. */
  readonly buildArgs: ReadonlyMap<string, string>;
  /** `--target`: name of a stage, case-insensitive; the last stage without it. */
  readonly target?: string | undefined;
  /** Of the image to make. */
  readonly platform: Platform;
  /** Of this machine. */
  readonly buildPlatform: Platform;
  /** `--label`, set last. */
  readonly labels?: ReadonlyMap<string, string> | undefined;
  /** `--network`, for RUNs that do not say. */
  readonly network?: 'default' | 'host' | 'none' | undefined;
  /** SOURCE_DATE_EPOCH in seconds: the value of that ARG where one is declared. */
  readonly epoch?: number | undefined;
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
}

/**
 * The images that the reachable stages need, in order of first use, each once. Stages and scratch are none. Given
 * the bases already `known`, also those that their ONBUILD triggers copy from: ask again until nothing is new.
 * @throws PLAN_… as planBuild
 */
export declare function basesOf(
  file: Dockerfile,
  o: PlanOptions,
  known?: ReadonlyMap<string, Image>,
): readonly BaseRequest[];

/**
 * The graph of everything the target needs: steps in order of the file, inputs first.
 * @throws PLAN_… with the place in the Dockerfile; the first error by line
 */
export declare function planBuild(
  file: Dockerfile,
  bases: ReadonlyMap<string, Image>,
  o: PlanOptions,
): BuildGraph;
