"""Do minds that infer their partners come to cooperate, and among whom?"""
