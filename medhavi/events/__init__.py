"""Events: the envelope, the catalogue of types, and the stores that keep them.

`envelope` (what is appended and stored), `catalog` (types, codec, streams), `store`
(the protocol), `urls.open_store`, `store.audit`.
"""
