// record.py: the words of the verification record; the record itself is a frozen object, see record_parsing.js.
import { DocumentKind } from "./statement.js";

export const DocumentType = Object.freeze({
  VERIFICATION_CERTIFICATE: "verification_certificate",
  REJECTION_NOTICE: "rejection_notice",
  CALIBRATION_CERTIFICATE: "calibration_certificate",
  PAPER_REGISTER: "paper_register",
});

/** What the statement says a document is, by its type. */
export const DOCUMENT_KINDS = Object.freeze({
  verification_certificate: DocumentKind.VERIFICATION,
  rejection_notice: DocumentKind.VERIFICATION,
  calibration_certificate: DocumentKind.CALIBRATION,
  paper_register: DocumentKind.PAPER,
});

export const VerificationKind = Object.freeze({
  INITIAL: "initial",
  PERIODIC: "periodic",
  AFTER_REPAIR: "after_repair",
  WITHIN_VALIDITY: "within_validity",
  ARBITRATION: "arbitration",
  SAMPLING: "sampling",
  IMPORT: "import",
  IN_SERVICE: "in_service",
  CALIBRATION: "calibration",
});

export const Role = Object.freeze({ OPERATOR: "operator", CHECKER: "checker", APPROVER: "approver" });
