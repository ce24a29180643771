import type { App } from '../app/app.ts';
import type { SourceOptions } from '../app/image-source.ts';
import { givenPlatform } from './pull-option.ts';
import { isInsecure, TLS_OPTIONS } from './registry-options.ts';
import type { OptionSpec, OptionValues } from './spec.ts';
import type { Terminal } from './terminal.ts';

/** How an image is read where it lies. */
export const SOURCE_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--platform <os/arch>',
    summary: 'which image of an index; the one for this machine, or the only one, by default',
  },
  ...TLS_OPTIONS,
];

/** What these options say. Standard input can be read by the first image that is `-`. @throws OCI_PLATFORM_INVALID */
export function sourceOptions(app: App, terminal: Terminal, options: OptionValues): SourceOptions {
  return {
    ...givenPlatform(app, options),
    insecure: isInsecure(options),
    stdin: () => terminal.stdin(),
  };
}
