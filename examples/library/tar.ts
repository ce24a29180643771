// Tar archives, any dialect: what is in one, while it streams by.
import { createReadStream } from 'node:fs';
import { decompress } from 'dobos/compress/decompress';
import { readTar } from 'dobos/tar/read';

for await (const { header } of readTar(decompress(createReadStream('root.tar.gz'))))
  console.log(header.kind, header.name, header.size); // file hello.txt 6
