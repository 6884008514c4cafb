"""What happens to a request, whichever service it is for.

Read `wire` (requests and answers), `signatures` (who sent it), `iam` (may they?), `validation` (would AWS
accept it?) and `listing` (what all List operations do).
"""
