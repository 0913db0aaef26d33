using System.Collections.Immutable;
using System.Diagnostics;
using Conductor.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Conductor.Policies;

/// <summary>
/// Asks the registered policies before an action is taken, in the order of their registration. Policies can be added and removed at run
/// time. A policy that throws denies. Thread-safe.
/// </summary>
public sealed class PolicyEngine
{
    private readonly ConductorEnvironment _environment;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private ImmutableArray<Policy> _policies = [];
    private volatile TaskTimeoutPolicy? _timeouts;
    private volatile bool _areAllOurs = true;
    private int _changes;

    /// <summary>Makes an engine without policies.</summary>
    /// <param name="environment">Loggers and meters. Default: <see cref="ConductorEnvironment.Default"/>.</param>
    public PolicyEngine(ConductorEnvironment? environment = null)
    {
        _environment = environment ?? ConductorEnvironment.Default;
        _logger = _environment.LoggerFactory.CreateLogger<PolicyEngine>();
    }

    /// <summary>The time limit of a task that sets none. Asked for every task: found when policies change, not then.</summary>
    internal TimeSpan DefaultTimeout => _timeouts?.DefaultTimeout ?? TaskDefinition.DefaultTimeout;

    /// <summary>
    /// Whether none is an application's: the library's own look at nothing but the numbers they are given, and take no time. Asked for every task.
    /// </summary>
    internal bool AreAllOurs => _areAllOurs;

    /// <summary>How often policies changed: what was denied before may be allowed now.</summary>
    internal int Changes => Volatile.Read(ref _changes);

    /// <summary>Told when a policy was added or removed: what waits for one may pass now.</summary>
#pragma warning disable MA0046 // Within the library, and no event for a sender and its arguments; several coordinators may come and go at once.
    internal event Action? Changed;
#pragma warning restore MA0046

    /// <summary>Adds a policy after the others.</summary>
    /// <param name="policy">The policy.</param>
    /// <exception cref="ArgumentException">It has no name.</exception>
    /// <exception cref="InvalidOperationException">One of its name is registered already.</exception>
    public void RegisterPolicy(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (string.IsNullOrWhiteSpace(policy.Name))
        {
            throw new ArgumentException(
                $"{policy.GetType()} has no name: its {nameof(Policy)}.{nameof(Policy.Name)} is null or blank. Let it give a name that no other policy has.",
                nameof(policy));
        }

        lock (_gate)
        {
            if (Find(policy.Name) is not null)
            {
                throw new InvalidOperationException(
                    $"A policy named '{policy.Name}' is registered already. Unregister it first, or give this one another name.");
            }

            _policies = _policies.Add(policy);
            _timeouts = policy as TaskTimeoutPolicy ?? _timeouts;
            _areAllOurs = _policies.All(IsOurs);
        }

        TellOfChange();
    }

    /// <summary>Removes a policy.</summary>
    /// <param name="policyName">Its name.</param>
    /// <returns>Whether there was one.</returns>
    public bool UnregisterPolicy(string policyName)
    {
        ArgumentException.ThrowIfNullOrEmpty(policyName);
        lock (_gate)
        {
            if (Find(policyName) is not { } policy)
            {
                return false;
            }

            _policies = _policies.Remove(policy);
            _timeouts = ReferenceEquals(policy, _timeouts) ? null : _timeouts;
            _areAllOurs = _policies.All(IsOurs);
        }

        TellOfChange();
        return true;
    }

    private void TellOfChange()
    {
        Interlocked.Increment(ref _changes);
        Changed?.Invoke();
    }

    /// <summary>Asks every policy.</summary>
    /// <param name="context">The action.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A result of each policy, in their order.</returns>
    public async ValueTask<IReadOnlyList<PolicyResult>> EvaluateAllAsync(PolicyContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        var policies = _policies;
        var results = new List<PolicyResult>(policies.Length);
        foreach (var policy in policies)
        {
            results.Add(await EvaluateAsync(policy, context, cancellationToken).ConfigureAwait(false) ?? Report(policy, policy.NotConcerned));
        }

        return results;
    }

    /// <summary>Whether every policy allows the action. Never waits for capacity.</summary>
    /// <param name="context">The action.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<bool> CheckAsync(PolicyContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        var verdict = await FindDenialAsync(context, cancellationToken).ConfigureAwait(false);
        return verdict.IsAllowed;
    }

    /// <summary>Asks the policies until one denies. Never waits for capacity.</summary>
    /// <param name="context">The action.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PolicyViolationException">One denied; the exception names it and its reason.</exception>
    public async ValueTask EnforceAsync(PolicyContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        var verdict = await FindDenialAsync(context, cancellationToken).ConfigureAwait(false);
        if (verdict.Denial is { } denial)
        {
            throw new PolicyViolationException(denial.PolicyName, denial.Reason) { IsTransient = denial.IsTransient };
        }
    }

    /// <summary>A registered policy.</summary>
    /// <param name="policyName">Its name.</param>
    /// <returns>The policy, or null when there is none of this name.</returns>
    public Policy? GetPolicy(string policyName)
    {
        ArgumentException.ThrowIfNullOrEmpty(policyName);
        return Find(policyName);
    }

    /// <summary>The names of the registered policies, in their order.</summary>
    public IReadOnlyList<string> ListPolicies() => [.. _policies.Select(static policy => policy.Name)];

    /// <summary>Asks the policies until one denies; the way of <see cref="EnforceAsync"/> without an exception.</summary>
    internal ValueTask<PolicyVerdict> FindDenialAsync(PolicyContext context, CancellationToken cancellationToken)
    {
        var policies = _policies;
        for (var i = 0; i < policies.Length; i++)
        {
            var evaluation = EvaluateAsync(policies[i], context, cancellationToken);
            if (!evaluation.IsCompletedSuccessfully)
            {
                return FindDenialSlowAsync(policies, i, evaluation, context, cancellationToken);
            }

            if (evaluation.Result is { Allowed: false } denial)
            {
                return new ValueTask<PolicyVerdict>(VerdictOf(policies[i], denial, context));
            }
        }

        return default;
    }

    /// <summary>
    /// Whether a gate is judged by the library's own policies alone: they look at nothing but the numbers they are given, and take no time. An
    /// application's may look at what is stored, and take long.
    /// </summary>
    internal bool JudgesByNumbersAlone(GatePolicyContext context)
    {
        foreach (var policy in _policies)
        {
            if (policy is not PhaseGatePolicy && MayJudge(policy, context))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsOurs(Policy policy) => policy.GetType().Assembly == typeof(PolicyEngine).Assembly;

    /// <summary>Whether a policy judges this kind of action. One that cannot say is to be asked: that denies.</summary>
    private static bool MayJudge(Policy policy, PolicyContext context)
    {
        try
        {
            return policy.Judges(context);
        }
#pragma warning disable CA1031 // A user's policy may throw anything.
        catch (Exception)
#pragma warning restore CA1031
        {
            return true;
        }
    }

    private async ValueTask<PolicyVerdict> FindDenialSlowAsync(
        ImmutableArray<Policy> policies, int index, ValueTask<PolicyResult?> evaluation, PolicyContext context, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await evaluation.ConfigureAwait(false) is { Allowed: false } denial)
            {
                return VerdictOf(policies[index], denial, context);
            }

            if (++index >= policies.Length)
            {
                return default;
            }

            evaluation = EvaluateAsync(policies[index], context, cancellationToken);
        }
    }

    /// <summary>Asks one policy.</summary>
    /// <returns>Its result; null when it does not judge this kind of action.</returns>
    private ValueTask<PolicyResult?> EvaluateAsync(Policy policy, PolicyContext context, CancellationToken cancellationToken)
    {
        ValueTask<PolicyResult> evaluation;
        try
        {
            if (!policy.Judges(context))
            {
                return default;
            }

            context.LooksAtCandidate = false;
            evaluation = policy.JudgeAsync(context, cancellationToken);
        }
#pragma warning disable CA1031 // A user's policy may throw anything; a rule that cannot be checked counts as broken.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return new ValueTask<PolicyResult?>(Report(policy, Failed(policy, exception)));
        }

        return evaluation.IsCompletedSuccessfully
            ? new ValueTask<PolicyResult?>(Report(policy, evaluation.Result))
            : AwaitAsync(policy, evaluation, cancellationToken);
    }

    private async ValueTask<PolicyResult?> AwaitAsync(Policy policy, ValueTask<PolicyResult> evaluation, CancellationToken cancellationToken)
    {
        try
        {
            return Report(policy, await evaluation.ConfigureAwait(false));
        }
#pragma warning disable CA1031 // A user's policy may throw anything; a rule that cannot be checked counts as broken.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return Report(policy, Failed(policy, exception));
        }
    }

    private PolicyVerdict VerdictOf(Policy policy, PolicyResult denial, PolicyContext context)
    {
        var target = PolicyTarget.Automatic;
        try
        {
            target = policy.Target;
        }
#pragma warning disable CA1031 // A user's policy may throw anything; it denies all the same.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.PolicyFailed(_logger, exception, policy.Name);
        }

        return PolicyVerdict.Of(policy, target, denial, context);
    }

    private PolicyResult Failed(Policy policy, Exception exception)
    {
        Log.PolicyFailed(_logger, exception, policy.Name);
        return PolicyResult.Deny(policy.Name, $"the policy itself failed: {ExceptionText.Of(exception)}");
    }

    private PolicyResult Report(Policy policy, PolicyResult? given)
    {
        var result = given ?? PolicyResult.Deny(policy.Name, "the policy gave no result: a rule that cannot be checked counts as broken.");
        var evaluations = _environment.Instruments.PolicyEvaluations;
        if (evaluations.Enabled)
        {
            evaluations.Record(
                1,
                new KeyValuePair<string, object?>(ConductorTelemetry.Tags.Policy, result.PolicyName),
                new KeyValuePair<string, object?>(ConductorTelemetry.Tags.Decision, result.Allowed ? "allowed" : "denied"));
        }

        if (!result.Allowed)
        {
            Log.Denied(_logger, result.PolicyName, result.Reason);
            Activity.Current?.AddEvent(new ActivityEvent("conductor.policy.denied"));
        }

        return result;
    }

    private Policy? Find(string name) => _policies.FirstOrDefault(policy => string.Equals(policy.Name, name, StringComparison.Ordinal));
}
