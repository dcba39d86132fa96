"""The desk of one institution: check input documents, number and seal them, hand them to the log.

    check    rows -> ready documents and faults; nothing is changed
    issue    ready documents -> numbered, sealed, stored -> handed in -> the log's answers stored

Both know what was issued before: the same document again is answered with what it became then, under the number
that it got then. Killed at any moment, the same command goes on where it ended: numbers are given, documents
signed and both stored in one transaction, and only what is stored is handed in, always with the stored bytes.
The log is asked in chunks, never inside a transaction.

>>> desk = Desk(profile, signer, origin, store, log, rule_book, clock, secrets.token_bytes)
>>> checked = desk.check_rows(read_rows(raw, InputForm.JSON_LINES))
>>> report = desk.issue(checked.documents)
>>> [document.number for document in report.documents]
['JY2026-000001']
"""



