// A request under one policy: no redirect to a private address, no secret at another origin, a bound on every body.
import { createServer } from 'node:http';
import { createHttp } from 'dobos/http/http';

const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as { port: number };

const http = createHttp({ userAgent: 'example/1.0' });
const answer = await http.request({ method: 'GET', url: `http://127.0.0.1:${port}/` });
console.log(answer.status); // 200
console.log((await answer.bytes(1_000)).toString()); // hello
await http.close();
server.close();
