"""Webhooks: who wants to hear of movies (`hooks`), what they are told (`news`), and the sending (`deliveries`).

A delivery is written in the transaction of what it tells, so none is lost; it is sent at least once, and in no
promised order.
"""
