import { compressError } from './errors.ts';

type Emit = (chunk: Buffer) => void;

/** The streaming calls of libzstd; synchronous, and what `emit` gets is not reused. */
export interface ZstdLibrary {
  readonly Compressor: new (
    level: number,
  ) => { data(bytes: Buffer, emit: Emit): void; end(emit: Emit): void };
  readonly Decompressor: new () => { data(bytes: Buffer, emit: Emit): void; end(emit: Emit): void };
  readonly minLevel: number;
  readonly maxLevel: number;
}

let library: Promise<ZstdLibrary> | undefined;

/** libzstd, loaded at first need. node:zlib's own reads only the first frame on Node 22 and 24, and Node 20 has none. @throws COMPRESS_NO_ZSTD */
export function loadZstd(): Promise<ZstdLibrary> {
  library ??= import('@cloudpss/zstd/napi').then(
    // The package's streams over the same calls buffer without limit; its version is pinned.
    (loaded) => loaded._NapiBindings,
    (error: unknown) => {
      throw compressError('COMPRESS_NO_ZSTD', { problem: (error as Error).message }, { cause: error });
    },
  );
  return library;
}
