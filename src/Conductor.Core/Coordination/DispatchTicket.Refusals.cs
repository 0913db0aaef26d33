namespace Conductor.Coordination;

/// <content>What policies said of candidates, and of the task.</content>
internal sealed partial class DispatchTicket
{
    /// <summary>The denial that the search for an agent ends with when no candidate is left.</summary>
    public PolicyViolationException? LastRefusal => _setbacks?.LastRefusal;

    /// <summary>
    /// The denial of a candidate for the time being, since the policies were asked about all anew: when no other candidate is left, it is waited
    /// for.
    /// </summary>
    public PassingDenial? Passing => _setbacks?.Passing;

    /// <summary>What it waited for last because a policy denied it for the time being.</summary>
    public PolicyViolationException? WaitedFor => _setbacks?.WaitedFor;

    public int RefusalCount => _setbacks?.RefusedBy?.Count ?? 0;

    public bool IsRefusedBy(AgentSlot slot) => _setbacks?.RefusedBy?.Contains(slot) == true;

    /// <summary>A policy refuses a candidate.</summary>
    /// <param name="slot">The candidate.</param>
    /// <param name="refusal">What is said when no other is left.</param>
    /// <param name="policyChanges">How often the policies had changed when they were asked.</param>
    public void Refuse(AgentSlot slot, PolicyViolationException refusal, int policyChanges)
    {
        ForgetOldRefusals(policyChanges);
        var setbacks = _setbacks ??= new Setbacks();
        setbacks.RefusedUnder = policyChanges;
        (setbacks.RefusedBy ??= []).Add(slot);
        setbacks.LastRefusal = refusal;
    }

    /// <summary>A candidate was denied for the time being.</summary>
    public void Refuse(AgentSlot slot, PassingDenial passing, int policyChanges)
    {
        Refuse(slot, passing.Violation, policyChanges);
        _setbacks!.Passing = Passing is { } earlier ? passing with { FirstVersion = earlier.FirstVersion } : passing;
    }

    /// <summary>
    /// It missed an agent that is in the hands of another while it was denied all others. Once, as long as nothing comes free: those that look side by side
    /// miss what the other has, and would wake each other for ever.
    /// </summary>
    /// <returns>Whether it may be told when that one comes back.</returns>
    public bool NoteMissed()
    {
        var version = _setbacks!.Passing!.SeenVersion;
        var isFirst = _setbacks.MissedAt != version;
        _setbacks.MissedAt = version;
        return isFirst;
    }

    /// <summary>What policies refused before they changed counts no more: everybody is a candidate again.</summary>
    public void ForgetOldRefusals(int policyChanges)
    {
        if (RefusalCount > 0 && _setbacks!.RefusedUnder != policyChanges)
        {
            ForgetRefusals();
        }
    }

    /// <summary>It waits for what was denied for the time being, and everybody is a candidate again.</summary>
    public void WaitFor(PassingDenial denial)
    {
        ForgetRefusals();
        (_setbacks ??= new Setbacks()).WaitedFor = denial.Violation;
    }

    private void ForgetRefusals()
    {
        if (_setbacks is not null)
        {
            _setbacks.RefusedBy?.Clear();
            _setbacks.Passing = null;
        }
    }
}
