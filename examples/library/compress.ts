// gzip and zstd whose bytes do not depend on the machine; gzip, zstd, xz and bzip2 are read, found out by content.
import { collect, streamOf } from 'dobos/base/bytes';
import { compress } from 'dobos/compress/compress';
import { decompress } from 'dobos/compress/decompress';

const packed = compress(streamOf(Buffer.alloc(1_000_000)), 'gzip', { level: 9 });
console.log((await collect(decompress(packed), 2_000_000)).length); // 1000000
