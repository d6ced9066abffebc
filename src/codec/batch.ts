/**
 * What batches of requests and batches of responses have in common: a MessagePack array of arrays,
 * as many to a body as fit.
 */
import { elementsOf, type Field, headBytesMax, packFields } from "./messagepack.ts";
import { unpackFields } from "./unpack.ts";

export const batchLimits = {
  /** Elements of one batch. */
  elementsMax: 4096,
} as const;

/** How elements of one type are written and read. */
export type ElementForm<Element> = {
  /** How many bytes the element will be, at most. */
  readonly bytesMax: (element: Element) => number;
  readonly fields: (element: Element) => readonly Field[];
  /** The element, or null where the fields are none. Copies what it keeps. */
  readonly read: (fields: readonly unknown[]) => Element | null;
};

/** An element's array, its id and its code, at most. */
export const elementHeadBytesMax = headBytesMax.array + 2 * headBytesMax.number;

/**
 * As few bodies as carry the elements, in order, each of `bodyBytes` at most. Elements that are longer by themselves
 * share bodies of `wholeBytes`, or have one of their own: whoever sends such a body sees that it is longer, and gives
 * it to Transfers.
 */
export function packElements<Element>(
  elements: readonly Element[],
  bodyBytes: number,
  form: ElementForm<Element>,
  wholeBytes = bodyBytes,
): readonly Uint8Array[] {
  const bodies: Uint8Array[] = [];
  let group: (readonly Field[])[] = [];
  let bytes: number = headBytesMax.array;
  for (const element of elements) {
    const more = form.bytesMax(element);
    const isLarge = headBytesMax.array + more > bodyBytes;
    const full =
      bytes + more > (isLarge ? wholeBytes : bodyBytes) ||
      group.length === batchLimits.elementsMax ||
      isLarge !== bytes > bodyBytes;
    if (full && group.length > 0) {
      bodies.push(packFields(group));
      group = [];
      bytes = headBytesMax.array;
    }
    group.push(form.fields(element));
    bytes += more;
  }
  if (group.length > 0) bodies.push(packFields(group));
  return bodies;
}

/**
 * The elements, or null where the body is no batch of them. Never throws. Keeps nothing of `body`.
 */
export function decodeElements<Element>(
  body: Uint8Array,
  form: ElementForm<Element>,
): readonly Element[] | null {
  const fields = unpackFields(body);
  if (fields === null || fields.length === 0) return null;
  if (fields.length > batchLimits.elementsMax) return null;
  const elements: Element[] = [];
  for (const field of fields) {
    const inner = elementsOf(field);
    const element = inner === null ? null : form.read(inner);
    if (element === null) return null;
    elements.push(element);
  }
  return elements;
}
