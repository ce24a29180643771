/** Prints the Debian packages that CI installs, on one line. @module */
import { OTHER_PACKAGES, PEERS } from './peers.ts';

console.log([...new Set([...PEERS.map(({ debianPackage }) => debianPackage), ...OTHER_PACKAGES])].join(' '));
