// Names and digests as the specifications define them.
import { familiarName, formatReference, parseReference, withDefaultTag } from 'dobos/oci/reference';

const reference = withDefaultTag(parseReference('debian'));
console.log(formatReference(reference)); // docker.io/library/debian:latest
console.log(familiarName(reference)); // debian:latest
