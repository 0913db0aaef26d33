using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace ReleasePipeline.Libraries;

/// <summary>A project file that is edited as a person would: what is not touched keeps its layout.</summary>
internal sealed class ProjectFile
{
    private readonly string _path;
    private readonly XDocument _document;

    /// <summary>Opens a project file.</summary>
    /// <param name="path">The file.</param>
    public ProjectFile(string path)
    {
        _path = path;
        _document = XDocument.Load(path, LoadOptions.PreserveWhitespace);
    }

    /// <summary>The folder it is in.</summary>
    public string Folder => Path.GetDirectoryName(_path)!;

    private XElement Project => _document.Root!;

    /// <summary>Sets a property without a condition.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False if it had this value already.</returns>
    public bool SetProperty(string name, string value)
    {
        var property = Project.Descendants().LastOrDefault(element =>
            element.Name.LocalName == name && IsUnconditional(element) && IsUnconditional(element.Parent!));
        if (property?.Value == value)
        {
            return false;
        }

        if (property is not null)
        {
            property.Value = value;
        }
        else
        {
            var group = Project.Elements().FirstOrDefault(element => element.Name.LocalName == "PropertyGroup" && IsUnconditional(element))
                ?? Append(Project, new XElement(Project.Name.Namespace + "PropertyGroup"));
            Append(group, new XElement(Project.Name.Namespace + name, value));
        }

        return true;
    }

    /// <summary>The item for a file, whatever its type; null if no element names it.</summary>
    /// <param name="file">The file's name.</param>
    public XElement? FindItem(string file) => Project.Descendants().FirstOrDefault(element =>
        (element.Attribute("Include") ?? element.Attribute("Update")) is { } path && Path.GetFileName(path.Value.Replace('\\', '/')) == file);

    /// <summary>Adds an item in a group of its own.</summary>
    /// <param name="type">The item's type.</param>
    /// <param name="attributes">Its attributes, in order.</param>
    public void AddItem(string type, params (string Name, string Value)[] attributes)
    {
        var group = Append(Project, new XElement(Project.Name.Namespace + "ItemGroup"));
        var item = new XElement(Project.Name.Namespace + type);
        item.Add(attributes.Select(attribute => new XAttribute(attribute.Name, attribute.Value)));
        Append(group, item);
    }

    /// <summary>Writes it back.</summary>
    public void Save()
    {
        var settings = new XmlWriterSettings { OmitXmlDeclaration = _document.Declaration is null, Encoding = new UTF8Encoding(false) };
        using var writer = XmlWriter.Create(_path, settings);
        _document.Save(writer);
    }

    private static bool IsUnconditional(XElement element) => element.Attribute("Condition") is null;

    /// <summary>Appends an element on a line of its own, indented by its depth.</summary>
    private static XElement Append(XElement parent, XElement child)
    {
        var depth = parent.Ancestors().Count();
        if (parent.LastNode is XText text && string.IsNullOrWhiteSpace(text.Value))
        {
            text.Remove();
        }

        parent.Add(new XText((depth == 0 ? "\n\n" : "\n") + Indent(depth + 1)), child, new XText("\n" + Indent(depth)));
        return child;
    }

    private static string Indent(int depth) => new(' ', depth * 2);
}
