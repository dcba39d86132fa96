// What a device says of a long code without any proof. device.js loads this module where no bundle is at hand.
import { must, requirePublished } from "./believed.js";
import { parseDigits } from "./qr.js";
import { remember } from "./remembered.js";

/** Who has signed the digits, as far as the trust list reaches; never a good word on the status. */
export async function checkCode(task) {
  const { expected, session, now, remembered, pin } = task;
  requirePublished(task, null, null);
  const { verifyStatementAlone } = await import("./alone.js");
  const report = await must("code", "二维码", () => verifyStatementAlone(parseDigits(expected.digits), session, now));
  const en = "no proof is at hand: signatures are checked, the document's state is not";
  return {
    report,
    shown: report.hasFailed ? "TAMPERED" : "CANNOT_CHECK",
    remember: remembered === null ? null : remember(pin, remembered, [], session, now),
    checkedByDevice: true,
    size: -1,
    reason: { en, zh: "手头没有证明文件：已核对签名，未核对证书状态" },
  };
}
