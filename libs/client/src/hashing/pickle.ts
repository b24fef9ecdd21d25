const PROTO = 0x80;
const NEWEST_PROTOCOL = 5;
const ZIP_MEMBER = 0x04034b50;
const NAME_LENGTH_AT = 26;
const NAME_AT = 30;
const PICKLED_MEMBER = /\.pkl$/;

/** Whether a file that begins so is a Python pickle of protocol 2 to 5 (opcode PROTO), or a ZIP archive whose first member is one, as
 *  `torch.save` writes. A cheap look: it finds what is honest about itself, whatever it is called; it does not prove that others are none. */
export function beginsAsPickle(head: Uint8Array): boolean {
  const [first, second = 0] = head;
  if (first === PROTO && second >= 2 && second <= NEWEST_PROTOCOL) return true;
  if (head.length < NAME_AT) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (view.getUint32(0, true) !== ZIP_MEMBER) return false;
  const name = head.subarray(NAME_AT, NAME_AT + view.getUint16(NAME_LENGTH_AT, true));
  return PICKLED_MEMBER.test(Buffer.from(name).toString("latin1"));
}
