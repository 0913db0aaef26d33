using System.Reflection;
using System.Resources;
using System.Runtime.CompilerServices;

/// <summary>Runs what can be run of a library without knowing it, and reports what must not happen.</summary>
internal sealed class Probe
{
    private const BindingFlags Statics = BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private const int MaxMessage = 200;

    private readonly HashSet<string> _reported = [];

    /// <summary>How many members were run.</summary>
    public int Calls { get; private set; }

    /// <summary>Runs a type's static initializers, reads its static properties and makes an instance.</summary>
    public void Touch(Type type)
    {
        if (type.ContainsGenericParameters)
        {
            return;
        }

        Run(type.FullName!, () => RuntimeHelpers.RunClassConstructor(type.TypeHandle), IsBroken);
        foreach (var property in type.GetProperties(Statics).Where(property => property.CanRead && !property.PropertyType.IsByRefLike))
        {
            Run($"{type.FullName}.{property.Name}", () => property.GetValue(null), IsBroken);
        }

        if (type is { IsAbstract: false, IsValueType: false }
            && type.GetConstructor(Type.EmptyTypes) is { } constructor
            && !NeedsMembers(type))
        {
            Run(type.FullName!, () => (constructor.Invoke(null) as IDisposable)?.Dispose(), IsBroken);
        }
    }

    /// <summary>Gives the inputs to the type's parsers: TryParse must never throw, and Parse only say that the text is wrong.</summary>
    public void Parse(Type type, IReadOnlyList<string> inputs)
    {
        foreach (var method in type.GetMethods(Statics).Where(IsParser))
        {
            var subject = $"{type.FullName}.{method.Name}";
            foreach (var input in inputs)
            {
                object?[] arguments = [input, .. method.GetParameters().Skip(1).Select(_ => (object?)null)];
                Run(subject, () => method.Invoke(null, arguments), error => method.Name == "TryParse" || !IsRefusal(error));
            }
        }
    }

    /// <summary>Writes a finding, unless one of the same kind was written about the same subject.</summary>
    public void Report(string code, string subject, string message, string kind = "")
    {
        if (_reported.Add($"{code} {subject} {kind}"))
        {
            var text = string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character));
            Console.WriteLine($"{code}\t{subject}\t{(text.Length > MaxMessage ? text[..MaxMessage] + "…" : text)}");
        }
    }

    // The compiler lets nobody make these without setting members.
    private static bool NeedsMembers(Type type) => type.IsDefined(typeof(RequiredMemberAttribute), inherit: true);

    private static bool IsParser(MethodInfo method) =>
        method is { Name: "Parse" or "TryParse", ContainsGenericParameters: false }
        && method.GetParameters() is [var text, .. var others]
        && text.ParameterType == typeof(string)
        && others.All(parameter => parameter.IsOut || parameter.ParameterType == typeof(IFormatProvider));

    private static bool IsRefusal(Exception error) => error is FormatException or ArgumentException or OverflowException;

    // Any other exception of a constructor or a property is its own way of saying that it cannot be used like this.
    private static bool IsBroken(Exception error) =>
        error is FileNotFoundException or DirectoryNotFoundException or DllNotFoundException or BadImageFormatException
            or MissingManifestResourceException or TypeLoadException or MissingMemberException
            or NullReferenceException or IndexOutOfRangeException or InvalidCastException;

    private void Run(string subject, Action action, Func<Exception, bool> isFinding)
    {
        try
        {
            Calls++;
            action();
        }
        catch (Exception error)
        {
            var inInitializer = false;
            while (error is TargetInvocationException or TypeInitializationException && error.InnerException is { } inner)
            {
                inInitializer |= error is TypeInitializationException;
                error = inner;
            }

            if (inInitializer || isFinding(error))
            {
                ReportError(subject, error);
            }
        }
    }

    private void ReportError(string subject, Exception error)
    {
        // An assembly that cannot be found is a FileNotFoundException, too; its "file" is an assembly name.
        if (error is FileNotFoundException { FileName: { } file } && !file.Contains(", Version=", StringComparison.Ordinal))
        {
            Report("RuntimeFileMissing", Path.GetFileName(file), "The library reads it at run time, and the package does not bring it.");
        }
        else
        {
            Report("Crash", subject, $"{error.GetType().Name}: {error.Message}", error.GetType().Name);
        }
    }
}
